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
      const script = prestart === undefined ? start : `{ ${prestart}\n} && { ${start}\n}`
      return args.length === 0
        ? { file: "sh", args: ["-c", script] }
        : { file: "sh", args: ["-c", `${script} "$@"`, "sh", ...args] }
    }
  }
  for (const name of entryPoints) {
    if (await isFile(join(directory, name))) return { file: "node", args: [name, ...args] }
  }
  throw nothingToRun(
    "There is nothing to run in the folder: add a `start` script to its package.json, an index.js or server.js, or give a `command` in the config."
  )
}
