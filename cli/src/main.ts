import { readFileSync } from "node:fs"
import type { Command } from "./command.ts"
import { commands, type Entry } from "./commands/index.ts"
import { makeTerminal, printableLines, type Terminal } from "./output/terminal.ts"
import { pointers, splitCommand } from "./splitCommand.ts"

const version = (): string => {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
  return String(version)
}

/** Exits once all output is flushed. */
const leave = (code: number): void => {
  process.exitCode = code
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)))
}

const showHelp = async (words: ReadonlyArray<string>, terminal: Terminal): Promise<void> => {
  const { exitCodesHelp, rootHelp } = await import("./help.ts")
  const heading = (title: string) => terminal.paint("bold", title)
  terminal.print(words[0] === "exit-codes" ? exitCodesHelp(heading) : rootHelp(version(), heading))
}

const fail = async (message: string, fix: string, terminal: Terminal): Promise<void> => {
  const { tell } = await import("./output/report.ts")
  tell({ exit: 2, tag: "UsageError", message, details: [], fix, data: {} }, terminal)
  leave(2)
}

/** The names of the subcommands below these words. */
const familyOf = (words: ReadonlyArray<string>) =>
  commands.map((command) => command.name).filter((text) => text.startsWith(`${words.join(" ")} `))

const unknownCommand = async (words: ReadonlyArray<string>, terminal: Terminal): Promise<void> => {
  const pointer = Object.hasOwn(pointers, words[0] ?? "") ? pointers[words[0] ?? ""] : undefined
  if (pointer !== undefined) return fail(`unknown command "${words[0]}"`, pointer, terminal)
  const { suggest } = await import("./args/suggest.ts")
  let depth = 0
  while (depth < words.length && familyOf(words.slice(0, depth + 1)).length > 0) depth++
  const known = words.slice(0, depth)
  const family = depth === 0 ? [] : familyOf(known)
  if (depth > 0 && depth === words.length) {
    return fail(
      `"${known.join(" ")}" needs a subcommand`,
      `one of: ${family.map((value) => `maxcloud ${value}`).join(", ")}`,
      terminal
    )
  }
  const written = words.slice(0, depth + 1).join(" ")
  // One word inside a longer name is a candidate too: `auth api-kyes create` means `auth api-keys`.
  const candidates = commands.flatMap(({ name }) => {
    const parts = name.split(" ")
    return depth === 0 || name.startsWith(`${known.join(" ")} `) ? [name, parts.slice(0, depth + 1).join(" ")] : []
  })
  const near = suggest(written, new Set(candidates))
  return fail(
    `unknown command "${written}"`,
    near === undefined ? "`maxcloud --help` lists the commands" : `did you mean \`maxcloud ${near}\`?`,
    terminal
  )
}

const call = async (entry: Entry, command: Command, argv: ReadonlyArray<string>, terminal: Terminal): Promise<void> => {
  const { execute } = await import("./execute.ts")
  leave(await execute(entry, command, argv, terminal))
}

const main = async (argv: ReadonlyArray<string>): Promise<void> => {
  const end = argv.indexOf("--")
  const flags = end === -1 ? argv : argv.slice(0, end)
  const terminal = makeTerminal(flags.includes("--json"), process.env)
  const wantsHelp = flags.includes("--help") || flags.includes("-h")
  if (argv[0] === "--version" || argv[0] === "-v") return terminal.print(version())
  const { entry, rest, words } = splitCommand(argv[0] === "help" ? argv.slice(1) : argv)
  if (entry === undefined) {
    return words.length === 0 || words[0] === "exit-codes" ? showHelp(words, terminal) : unknownCommand(words, terminal)
  }
  const { default: command } = await entry.load()
  if (wantsHelp || argv[0] === "help") {
    const { commandHelp } = await import("./help.ts")
    return terminal.print(commandHelp(entry, command, (title) => terminal.paint("bold", title)))
  }
  return call(entry, command, rest, terminal)
}

// The reader of the pipe has exited (`| head`), so nobody would see an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1))
}

// A failure before a command runs is a bug here: for example, a module that can't be loaded.
await main(process.argv.slice(2)).catch((error: unknown) => {
  const debug = process.argv.includes("--debug")
  const text = error instanceof Error ? (debug ? error.stack : error.message) : String(error)
  process.stderr.write(`${printableLines(`error: internal error in maxcloud: ${text}`)}\n`)
  leave(1)
})
