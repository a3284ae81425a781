import { globalFlags } from "../src/args/flags.ts"
import { commands, groupTitles } from "../src/commands/index.ts"
import { exitCodes } from "../src/errors/exitCodes.ts"
import { flagRow, usageOf } from "../src/help.ts"

const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;")
const code = (text: string) => `\`${text}\``
const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> =>
  rows.length === 0
    ? []
    : ["", ...[header, header.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`)]

const shared = new Set(Object.values(globalFlags).map((globalFlag) => globalFlag.info.name))
const flagCells = (flag: Parameters<typeof flagRow>[0]) => {
  const [written = "", description = ""] = flagRow(flag)
  return [code(written.trim()), description]
}

/** `docs/reference/cli.md`: every command, from the same data as its help. */
export const cliReference = async (): Promise<string> => {
  const lines = [
    "# The `maxcloud` command",
    "",
    "Generated from the commands by `npm run generate`. Flags can come before or after arguments. Data goes to stdout, everything",
    'else to stderr. `--json` prints data (streams as JSON lines) and errors (`{"error":{…}}`) as JSON. `NO_COLOR`, `FORCE_COLOR`,',
    "`TERM=dumb` and `CI` are respected.",
    "",
    "## Flags of every command",
    ...table(
      ["flag", "description"],
      [
        ...Object.values(globalFlags).map((globalFlag) => flagCells(globalFlag.info)),
        [code("-h, --help"), "Print the command's help"]
      ]
    ),
    "",
    "## Exit codes",
    ...table(
      ["code", "meaning"],
      exitCodes.map(([exit, , says]) => [String(exit), says])
    )
  ]
  for (const [group, title] of groupTitles) {
    lines.push("", `## ${title}`)
    for (const entry of commands.filter((command) => command.group === group)) {
      const { default: command } = await entry.load()
      lines.push(
        "",
        `### ${code(`maxcloud ${entry.name}`)}`,
        "",
        `${command.summary}.`,
        "",
        code(usageOf(entry, command))
      )
      lines.push("", "```sh")
      const width = Math.max(...command.examples.map((example) => example.line.length))
      for (const { does, line } of command.examples) lines.push(`${line.padEnd(width)}  # ${does}`)
      lines.push("```")
      lines.push(
        ...table(
          ["argument", "description"],
          command.positionals.map((positional) => [code(positional.name), positional.description])
        ),
        ...table(["flag", "description"], command.flags.filter((flag) => !shared.has(flag.name)).map(flagCells))
      )
      if (command.notes.length > 0) lines.push("", ...command.notes.map((note) => `- ${note}`))
    }
  }
  return `${lines.join("\n")}\n`
}

/** `cli/src/summaries.ts`: the commands' summaries for root help, so that it needn't load the commands. */
export const summariesModule = async (): Promise<string> => {
  const loaded = await Promise.all(commands.map(async ({ load, name }) => ({ name, command: (await load()).default })))
  const rows = loaded.map(({ command: { offline, summary }, name }) => {
    const key = /^\w+$/.test(name) ? name : JSON.stringify(name)
    return `  ${key}: { summary: ${JSON.stringify(summary)}, offline: ${offline} }`
  })
  return `// Written by \`npm run generate\` from cli/src/commands: change a command's summary there.
import type { CommandName } from "./commands/index.ts"

export interface Summary {
  readonly summary: string
  readonly offline: boolean
}

/** The commands' summaries for root help, so that it needn't load the commands. */
export const summaries: Readonly<Record<string, Summary>> = {
${rows.join(",\n")}
} satisfies Readonly<Record<CommandName, Summary>>
`
}
