import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { globalFlags } from "../src/args/flags.ts"
import { commands } from "../src/commands/index.ts"
import { commandHelp } from "../src/help.ts"
import { aliases, pointers, splitCommand } from "../src/splitCommand.ts"

const root = join(import.meta.dirname, "../..")
/** The sources of messages, pages, help and docs. */
const places = [
  "README.md",
  "CONTRIBUTING.md",
  "docs",
  "examples",
  ...["cli", "sdk", "server", "synth", "config-schema"].map((name) => `${name}/src`)
]

const filesIn = (place: string): ReadonlyArray<string> =>
  /\.\w+$/.test(place)
    ? [place]
    : readdirSync(join(root, place), { recursive: true, encoding: "utf8" })
        .filter(
          (value) => /\.(ts|md|ya?ml|json)$/.test(value) && !/node_modules|dist\/|\.test\.ts$|CHANGELOG/.test(value)
        )
        .map((value) => join(place, value))

/** A command line in backticks, in quotes, or at the start of a shell line. Values in it (`${name}`) become VALUE. */
const named =
  /(?:\\?`|"|(?<=\n)\s*(?:\$ |npx |npm exec |pnpm )?|(?:&& |\| |; |npx |\b[A-Z_]+=\S+ ))maxcloud ((?:-|[a-z])[^`"\n|;&]*)/g

const linesOf = (file: string): ReadonlyArray<string> =>
  [
    ...readFileSync(join(root, file), "utf8")
      .replace(/\$\{[^}]*\}/g, "VALUE")
      .replace(/ \\\n\s*/g, " ")
      .matchAll(named)
  ].map(([, line = ""]) => line.replace(/\\$/, "").replace(/ #.*$/, "").trim())

const all = places
  .flatMap(filesIn)
  .flatMap((file) => linesOf(file).map((line) => ({ line, place: `${relative(".", file)}: maxcloud ${line}` })))

/** The problem with a command line that we tell users to type. */
const faultOf = async (line: string): Promise<string | undefined> => {
  const words = line.split(/\s+/)
  if (/^(--version|-v|--help|-h|help)$/.test(words[0] ?? "")) return undefined
  const { entry, words: unknown } = splitCommand(words)
  if (entry === undefined) {
    const family = commands.some(({ name }) => name.startsWith(`${unknown.join(" ")} `))
    return family && words.every((word) => /^[a-z-]+$/.test(word)) ? undefined : "no such command"
  }
  const { default: command } = await entry.load()
  const known = new Set([
    ...command.flags.map((flag) => flag.name),
    ...Object.values(globalFlags).map((globalFlag) => globalFlag.info.name),
    "help"
  ])
  const ours = words.slice(0, words.includes("--") ? words.indexOf("--") : undefined)
  const flags = ours.flatMap((word) => /^\[?--(?:no-)?([a-z][a-z-]*)/.exec(word)?.[1] ?? [])
  const odd = flags.find((flag) => !known.has(flag) && !known.has(`no-${flag}`))
  return odd === undefined ? undefined : `"${entry.name}" has no flag --${odd}`
}

/** Texts that only look like a command line. */
const notCommands = [/^on /, /^backup\\n/, /^key id$/]

describe("every command that a message, page, help or document names", () => {
  it("exists, with its flags", async () => {
    expect(all.length).toBeGreaterThan(250)
    const faults: Array<string> = []
    for (const { line, place } of all) {
      if (notCommands.some((notCommand) => notCommand.test(line))) continue
      const fault = await faultOf(line)
      if (fault !== undefined) faults.push(`${place} (${fault})`)
    }
    expect([...new Set(faults)]).toEqual([])
  })

  it("has a name that no alias and no pointer hides", () => {
    const first = new Set(commands.map((command) => command.name.split(" ")[0] ?? ""))
    for (const word of [...Object.keys(aliases), ...Object.keys(pointers)]) expect(first.has(word), word).toBe(false)
    for (const name of Object.values(aliases)) expect(commands.some((command) => command.name === name)).toBe(true)
  })

  it("takes no argument where another command has a subcommand", async () => {
    for (const entry of commands) {
      const { default: command } = await entry.load()
      const longer = commands.filter(({ name }) => name.startsWith(`${entry.name} `)).map(({ name }) => name)
      if (command.positionals.length > 0) expect(longer, `maxcloud ${entry.name} NAME`).toEqual([])
    }
  })

  it("prints its help", async () => {
    for (const entry of commands) {
      const { default: command } = await entry.load()
      expect(commandHelp(entry, command, (title) => title)).toContain(`maxcloud ${entry.name}`)
    }
  })
})
