import { readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { Option, Schema } from "effect"
import { InstanceFailed } from "./Instance.ts"

/** What is executed in a folder, found by PATH where `file` has no slash. */
export interface Program {
  readonly file: string
  readonly args: ReadonlyArray<string>
}

const Scripts = Schema.Struct({
  scripts: Schema.optional(
    Schema.Struct({ start: Schema.optional(Schema.String), prestart: Schema.optional(Schema.String) })
  )
})
const decodeScripts = Schema.decodeUnknownOption(Schema.parseJson(Scripts))

const entryPoints = [
  "index.js",
  "server.js",
  "main.js",
  "index.mjs",
  "server.mjs",
  "main.mjs",
  "index.ts",
  "server.ts",
  "main.ts"
]

const nothingToRun = (message: string) => new InstanceFailed({ reason: "NothingToRun", message, retryable: false })

const isFile = (path: string) =>
  stat(path).then(
    (found) => found.isFile(),
    () => false
  )

/** Assignments, then one command without an operator of the shell. */
const simpleCommand = /^\s*(?:[A-Za-z_]\w*=[^\s"'\\$`;&|<>(){}#]*\s+)*([\w./@+-]+)(?:[ \t][^`;&|<>(){}#\n]*)?$/
/** What only a shell itself can do: `exec` of these would be something else, or fail. */
const shellWords = new Set(
  ". : [ ! alias bg break case cd command continue do done echo elif else esac eval exec exit export false fg fi for function getopts hash if in jobs kill let local printf pwd read readonly return set shift source test then time times trap true type typeset ulimit umask unalias unset until wait while".split(
    " "
  )
)

/** Puts the program in the place of the shell where the shell has nothing more to do: half the processes, and signals go straight. */
const inPlaceOfShell = (script: string): string => {
  const command = simpleCommand.exec(script)?.[1]
  return command === undefined || shellWords.has(command)
    ? script
    : script.replace(/^\s*((?:[A-Za-z_]\w*=\S*\s+)*)/, "$1exec ")
}

/**
 * What to run in a folder: `command` and `args` where given; else the `start` script of its `package.json`, by the shell
 * itself so that no package manager stands between; else `index`, `server` or `main` (`.js`, `.mjs`, `.ts`) by Node.
 * `args` alone are added to what is found.
 */
export const programOf = async (
  directory: string,
  command: ReadonlyArray<string> | undefined,
  args: ReadonlyArray<string> = []
): Promise<Program> => {
  const folder = await stat(directory).catch(() => undefined)
  if (!folder?.isDirectory()) throw nothingToRun(`There is no folder ${directory}.`)
  const [file, ...rest] = command ?? []
  if (file !== undefined) return { file, args: [...rest, ...args] }

  const packageJson = await readFile(join(directory, "package.json"), "utf8").catch(() => undefined)
  if (packageJson !== undefined) {
    const decoded = decodeScripts(packageJson)
    if (Option.isNone(decoded)) throw nothingToRun("Its package.json is no valid JSON, or its `scripts` are no texts.")
    const { start, prestart } = decoded.value.scripts ?? {}
    if (start !== undefined) {
      const last = inPlaceOfShell(args.length === 0 ? start : `${start} "$@"`)
      const script = prestart === undefined ? last : `{ ${prestart}\n} && { ${last}\n}`
      return { file: "sh", args: ["-c", script, ...(args.length === 0 ? [] : ["sh", ...args])] }
    }
  }
  for (const name of entryPoints) {
    if (await isFile(join(directory, name))) return { file: "node", args: [name, ...args] }
  }
  throw nothingToRun(
    "There is nothing to run in the folder: add a `start` script to its package.json, an index.js or server.js, or give a `command` in the config."
  )
}
