import { commands, type Entry } from "./commands/index.ts"

/** Other tools' names for our commands. */
export const aliases: Readonly<Record<string, string>> = {
  login: "auth login",
  logout: "auth logout",
  ls: "list",
  ps: "list",
  rm: "delete"
}

/** Words that people try and that aren't commands, with the alternatives. */
export const pointers: Readonly<Record<string, string>> = {
  down: "use `maxcloud pause NAME` to stop a service, or `maxcloud destroy` to remove the whole app",
  rollback:
    "check out the commit that worked and run `maxcloud deploy`. `maxcloud deployments list` shows what ran; `maxcloud secrets rollback NAME` restores an earlier value of a secret",
  status:
    "use `maxcloud list` for all services, `maxcloud describe NAME` for one, or `maxcloud auth status` for your sign-in",
  up: "use `maxcloud deploy` to deploy the app, or `maxcloud dev` to run it on this machine"
}

/** Flags with a value that may precede the command's name, as in `maxcloud --stage dev list`. */
const leadingWithValue = new Set(["--api-url", "--org", "--stage", "-s", "--config", "-c"])

const longestName = Math.max(...commands.map((command) => command.name.split(" ").length))

/** Splits arguments into the words that may name a command, and the rest in order. */
export const splitCommand = (
  argv: ReadonlyArray<string>
): {
  readonly entry: Entry | undefined
  readonly words: ReadonlyArray<string>
  readonly rest: ReadonlyArray<string>
} => {
  let start = 0
  while (start < argv.length) {
    const argument = argv[start] ?? ""
    if (!argument.startsWith("-") || argument === "--") break
    start += leadingWithValue.has(argument) ? 2 : 1
  }
  const leading = argv.slice(0, start)
  const word = argv[start] ?? ""
  const alias = Object.hasOwn(aliases, word) ? aliases[word] : undefined
  if (alias !== undefined) return splitCommand([...leading, ...alias.split(" "), ...argv.slice(start + 1)])
  for (let length = longestName; length > 0; length--) {
    const name = argv.slice(start, start + length).join(" ")
    const entry = commands.find((command) => command.name === name)
    if (entry !== undefined) return { entry, words: [], rest: [...leading, ...argv.slice(start + length)] }
  }
  return { entry: undefined, words: argv.slice(start).filter((text) => !text.startsWith("-")), rest: argv }
}
