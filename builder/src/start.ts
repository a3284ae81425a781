import { stat } from "node:fs/promises"
import { Schema } from "effect"
import { denoInPlace } from "./deno/denoProject.ts"
import { firstFile } from "./files.ts"
import { invalid, nothingToRun, type Program, type Start } from "./model.ts"
import { type PackageJson, readPackageJson } from "./node/packageJson.ts"

const entryPoints = ["js", "mjs", "cjs", "ts"].flatMap((ending) =>
  ["index", "server", "main", "app"].map((name) => `${name}.${ending}`)
)
/** The output of compilers such as `tsc`. */
const compiled = ["dist", "build", "out", "lib"].flatMap((folder) =>
  ["index", "server", "main", "app", "src/index", "src/server", "src/main", "src/app"].flatMap((name) =>
    ["js", "mjs", "cjs"].map((ending) => `${folder}/${name}.${ending}`)
  )
)

/** Assignments, then one command without shell operators. */
const simpleCommand = /^\s*(?:[A-Za-z_]\w*=[^\s"'\\$`;&|<>(){}#]*\s+)*([\w./@+-]+)(?:[ \t][^`;&|<>(){}#\n]*)?$/
/** Shell builtins: `exec` would run something else, or fail. */
const shellWords = new Set(
  ". : [ ! alias bg break case cd command continue do done echo elif else esac eval exec exit export false fg fi for function getopts hash if in jobs kill let local printf pwd read readonly return set shift source test then time times trap true type typeset ulimit umask unalias unset until wait while".split(
    " "
  )
)

/** Replaces the shell with the program if the shell has nothing else to do. That halves the processes, and signals reach the program directly. */
const inPlaceOfShell = (script: string): string => {
  const command = simpleCommand.exec(script)?.[1]
  return command === undefined || shellWords.has(command)
    ? script
    : script.replace(/^\s*((?:[A-Za-z_]\w*=\S*\s+)*)/, "$1exec ")
}

/** The program of a start with appended arguments. Without a package manager in between, signals reach the program directly. */
export const programOfStart = (start: Start, args: ReadonlyArray<string> = []): Program => {
  if ("file" in start) return { file: start.file, args: [...start.args, ...args] }
  const last = inPlaceOfShell(args.length === 0 ? start.script : `${start.script} "$@"`)
  const script = start.prestart === undefined ? last : `{ ${start.prestart}\n} && { ${last}\n}`
  return { file: "sh", args: ["-c", script, ...(args.length === 0 ? [] : ["sh", ...args])] }
}

/** The `start` script of a package.json. */
export const startScript = (packageJson: PackageJson | undefined): Start | undefined => {
  const { start, prestart } = packageJson?.scripts ?? {}
  return start === undefined ? undefined : { script: start, prestart }
}

/** Node with `index`, `server`, `main` or `app`, the package's `main`, or a compiler's output. */
export const entryPointIn = async (folder: string, packageJson?: PackageJson): Promise<Start | undefined> => {
  const main = typeof packageJson?.main === "string" ? [packageJson.main.replace(/^\.\//, "")] : []
  const safe = main.filter((text) => !text.startsWith("/") && !text.split("/").includes(".."))
  const found = await firstFile(folder, [...entryPoints, ...safe, ...compiled])
  return found === undefined ? undefined : { file: "node", args: [found] }
}

/** Folders with uncompiled programs. */
const sources = ["index", "server", "main", "app"].flatMap((name) =>
  ["js", "mjs", "cjs", "ts"].map((ending) => `src/${name}.${ending}`)
)

/** The file that a script runs: `nodemon -L src/index.js`. */
const fileOfScript = (script: string): string | undefined =>
  script
    .split(/\s+/)
    .map((word) => word.replace(/^\.\//, ""))
    .find((text) => /^[\w.-][\w./-]*$/.test(text) && /\.[cm]?[jt]s$/.test(text) && !text.includes(".."))

/** The fallback: Node with the file that the `dev` script runs, or the program in `src`. */
export const sourceEntryIn = async (
  folder: string,
  packageJson: PackageJson | undefined
): Promise<Start | undefined> => {
  if (packageJson === undefined) return undefined
  const dev = fileOfScript(packageJson.scripts?.["dev"] ?? "")
  const found = await firstFile(folder, [...(dev === undefined ? [] : [dev]), ...sources])
  return found === undefined ? undefined : { file: "node", args: [found] }
}

/**
 * The program to run in an unbuilt folder: `command` and `args` if given; else the program of a Deno project; else the `start` script of its
 * `package.json`; else Node with `index`, `server`, `main` or `app`. `args` without `command` are appended to the detected program.
 */
export const programOf = async (
  directory: string,
  command: ReadonlyArray<string> | undefined,
  args: ReadonlyArray<string> = []
): Promise<Program> => {
  const folder = await stat(directory).catch(() => undefined)
  if (!folder?.isDirectory()) throw invalid(`The folder ${directory} doesn't exist.`)
  const [file, ...rest] = command ?? []
  if (file !== undefined) return { file, args: [...rest, ...args] }
  const packageJson = await readPackageJson(directory)
  const start =
    (await denoInPlace(directory)) ??
    startScript(packageJson) ??
    (await entryPointIn(directory, packageJson)) ??
    (await sourceEntryIn(directory, packageJson))
  if (start !== undefined) return programOfStart(start, args)
  throw nothingToRun(
    "The folder has nothing to run: add a `start` script to its package.json, an index.js or server.js, or set `command` in the config."
  )
}

export const startSchema: Schema.Schema<Start> = Schema.Union(
  Schema.Struct({ script: Schema.String, prestart: Schema.optional(Schema.String) }),
  Schema.Struct({ file: Schema.String, args: Schema.Array(Schema.String) })
)
