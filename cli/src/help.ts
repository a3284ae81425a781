import type { Command } from "./command.ts"
import { commands, type Entry, groupTitles } from "./commands/index.ts"
import { exitCodes } from "./errors/exitCodes.ts"
import { table } from "./output/terminal.ts"

interface FlagLike {
  readonly name: string
  readonly alias: string | undefined
  readonly value: string | undefined
  readonly repeated: boolean
  readonly description: string
}

type Heading = (title: string) => string

const indent = (rows: ReadonlyArray<ReadonlyArray<string>>) => table(rows).map((value) => `  ${value}`)

/** The flags of every command, which help lists under their own heading. */
const shared = new Set(["json", "api-url", "org", "stage", "config", "debug", "help"])
const help: FlagLike = { name: "help", alias: "h", value: undefined, repeated: false, description: "Print this help" }

export const flagRow = (flag: FlagLike): ReadonlyArray<string> => [
  `${flag.alias === undefined ? "    " : `-${flag.alias}, `}--${flag.name}${flag.value === undefined ? "" : ` ${flag.value}`}${flag.repeated ? " …" : ""}`,
  flag.description
]

export const usageOf = (entry: Entry, command: Command): string =>
  [
    `maxcloud ${entry.name}`,
    ...command.positionals.map((positional) => (positional.required ? positional.name : `[${positional.name}]`)),
    "[flags]"
  ].join(" ")

export const rootHelp = (version: string, heading: Heading): string =>
  [
    `maxcloud ${version}: serverless containers on machines you control`,
    "",
    heading("Examples"),
    ...indent([
      ["maxcloud init", "create a maxcloud.config.ts"],
      ["maxcloud dev", "run the app on this machine, and follow its files"],
      ["maxcloud deploy", "deploy the app of maxcloud.config.ts"],
      ["maxcloud deploy --name myapp nginx:latest", "deploy one image, without a config"],
      ["maxcloud logs myapp --follow", "follow its logs"]
    ]),
    ...groupTitles.flatMap(([group, title]) => [
      "",
      heading(title),
      ...indent(
        commands
          .filter((command) => command.group === group)
          .map((command) => [command.name.padEnd(16), command.summary])
      )
    ]),
    "",
    "Run `maxcloud COMMAND --help` for a command's help, and `maxcloud help exit-codes` for the exit codes."
  ].join("\n")

export const exitCodesHelp = (heading: Heading): string =>
  [heading("Exit codes"), ...indent(exitCodes.map(([code, , says]) => [String(code).padStart(3), says]))].join("\n")

const lineWidth = 120

const wrapped = (text: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(" ")) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length < lineWidth) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** The help of one command, with examples first. */
export const commandHelp = (entry: Entry, command: Command, heading: Heading): string => {
  const section = (title: string, lines: ReadonlyArray<string>) =>
    lines.length === 0 ? [] : ["", heading(title), ...lines]
  const [own, global] = [false, true].map((isShared) =>
    command.flags.filter((flag) => shared.has(flag.name) === isShared)
  )
  return [
    command.summary,
    ...section("Examples", indent(command.examples.map((example) => [example.line, example.does]))),
    ...section("Usage", [`  ${usageOf(entry, command)}`]),
    ...section("Arguments", indent(command.positionals.map((positional) => [positional.name, positional.description]))),
    ...section("Flags", indent((own ?? []).map(flagRow))),
    ...section("Flags of every command", indent([...(global ?? []), help].map(flagRow))),
    ...section(
      "Notes",
      command.notes.map((note) => `  ${note}`)
    ),
    "",
    ...wrapped(
      `Exit codes: ${exitCodes.map(([code, short]) => `${code} ${short}`).join(", ")} (\`maxcloud help exit-codes\`).`
    )
  ].join("\n")
}
