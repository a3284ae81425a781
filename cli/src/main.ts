import { readFileSync } from "node:fs"
import type { Command } from "./command.ts"
import { commands, type Entry, splitCommand } from "./commands/index.ts"
import { makeTerminal, type Terminal } from "./terminal.ts"

const version = (): string => {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
  return String(version)
}

/** Leaves once all that was written is out. */
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
  const { tell } = await import("./report.ts")
  tell({ exit: 2, tag: "UsageError", message, details: [], fix, data: {} }, terminal)
  leave(2)
}

const unknownCommand = async (words: ReadonlyArray<string>, terminal: Terminal): Promise<void> => {
  const [first = "", second] = words
  const family = commands.filter((_) => _.name.startsWith(`${first} `)).map((_) => _.name)
  const { suggest } = await import("./suggest.ts")
  if (family.length > 0 && second === undefined) {
    return fail(`"${first}" needs a word more`, `one of: ${family.map((_) => `maxcloud ${_}`).join(", ")}`, terminal)
  }
  const written = family.length > 0 ? `${first} ${second}` : first
  const near = suggest(
    written,
    family.length > 0 ? family : new Set(commands.flatMap((_) => [_.name, _.name.split(" ")[0] ?? ""]))
  )
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

// The reader of a pipe has gone (`| head`): there is nobody to tell.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1))
}

// What goes wrong before a command runs is a mistake of this program: the sources could not be loaded, say.
await main(process.argv.slice(2)).catch((error: unknown) => {
  const debug = process.argv.includes("--debug")
  const text = error instanceof Error ? (debug ? error.stack : error.message) : String(error)
  process.stderr.write(`error: a mistake in maxcloud itself: ${text}\n`)
  leave(1)
})
