import { firstFile, readText } from "../files.ts"
import type { Start } from "../model.ts"
import type { PackageJson } from "../node/packageJson.ts"
import { procfileOf } from "../procfile.ts"
import type { DenoConfig } from "./denoConfig.ts"

/** The path of the dependencies at run time, relative to the service's folder. */
export const denoDir = ".maxcloud/deno/cache"

const entryPoints = ["", "src/"].flatMap((folder) =>
  ["main", "server", "app", "index", "mod"].flatMap((name) =>
    ["ts", "tsx", "js", "mjs"].map((ending) => `${folder}${name}.${ending}`)
  )
)

/** The minimal permissions of a server. */
const permissions = "--allow-net --allow-env --allow-read"
const port = `"\${PORT:-8000}"`

interface Task {
  /** Whether other tasks run before its line. */
  readonly isPlain: boolean
  readonly line: string
}

/** A task, looked up like `deno task`: in deno.json, else in package.json's scripts. */
export const taskOf = (
  name: string,
  config: DenoConfig | undefined,
  packageJson: PackageJson | undefined
): Task | undefined => {
  const tasks = config?.tasks ?? {}
  const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined
  if (typeof task === "string") return { line: task.trim(), isPlain: true }
  if (task !== undefined) return { line: (task.command ?? "").trim(), isPlain: (task.dependencies ?? []).length === 0 }
  const scripts = packageJson?.scripts ?? {}
  const script = Object.hasOwn(scripts, name) ? scripts[name] : undefined
  if (script === undefined) return undefined
  return {
    line: script.trim(),
    isPlain: !Object.hasOwn(scripts, `pre${name}`) && !Object.hasOwn(scripts, `post${name}`)
  }
}

const watch = /^--watch(?:-hmr|-exclude)?(?:=|$)/
const watches = (line: string): boolean => line.split(/\s+/).some((word) => watch.test(word))

/** A single command that a shell parses like Deno's own shell. */
const isOneCommand = (line: string): boolean => /^deno (?:run|serve) [\w \t@%+=:,./"'$-]*$/.test(line)

/** The modules that a shell line runs: files, and packages by specifier. */
const modulesOf = (line: string): ReadonlyArray<string> =>
  line
    .split(/[\s;&|()"']+/)
    .filter(
      (text) =>
        /^(?:(?:npm|jsr|https?):[\w@./^-]+|[\w@./-]+\.(?:[cm]?[jt]s|[jt]sx))$/.test(text) && !text.startsWith("-")
    )

/** The command, and the modules that it needs. */
export interface DenoStart {
  readonly start: Start
  readonly modules: ReadonlyArray<string>
}

/**
 * Sets the program's variables. Deno's first server listens at `DENO_SERVE_ADDRESS`, whatever port the source names. Don't set it for a program with
 * permission for its own ports only, which Deno would refuse.
 */
const before = (line: string, inPlace: boolean): string => {
  const hasOwnPort = /\bdeno serve\b|(?:--allow-net|-N)=/.test(line)
  const variables = [
    ...(inPlace ? [] : [`DENO_DIR="$PWD/${denoDir}"`]),
    ...(hasOwnPort ? [] : [`DENO_SERVE_ADDRESS="tcp:0.0.0.0:\${PORT:-8000}"`])
  ]
  return variables.length === 0 ? "" : `export ${variables.join(" ")}; `
}

const startOf = (line: string, inPlace: boolean): Start => ({ script: `${before(line, inPlace)}exec ${line}` })

/** Replaces a task with its single command: without an intermediate process, only from the cache, and on the service's port. */
const direct = (line: string, inPlace: boolean): Start => {
  const [, word = "run", ...rest] = line.split(/[ \t]+/)
  const words = rest.filter((value) => !watch.test(value) && value !== "--cached-only")
  const offline = inPlace ? [] : ["--cached-only"]
  if (word !== "serve") return startOf(["deno run", ...offline, ...words].join(" "), inPlace)
  const others = words.filter(
    (word, at) => !/^--(?:port|host)(?:=|$)/.test(word) && !/^--(?:port|host)$/.test(words[at - 1] ?? "")
  )
  return startOf(["deno serve", ...offline, `--host 0.0.0.0 --port ${port}`, ...others].join(" "), inPlace)
}

const ofTask = ({ isPlain, line }: Task, inPlace: boolean): DenoStart => ({
  start:
    isPlain && isOneCommand(line) ? direct(line, inPlace) : { script: `${before(line, inPlace)}exec deno task start` },
  modules: modulesOf(line)
})

/** Whether the module relies on `deno serve` to open a port. */
const isServed = (text: string): boolean => /^export default\b/m.test(text) && !/\bDeno\.serve\(|\blisten\(/.test(text)

const ofFile = (file: string, text: string, inPlace: boolean): DenoStart => ({
  start: direct(`deno ${isServed(text) ? "serve" : "run"} ${permissions} ${file}`, inPlace),
  modules: [file]
})

/**
 * How a Deno project starts: the `web` line of a Procfile; its `start` task, with that task's permissions; else `main`, `server`, `app`, `index` or
 * `mod`. A `start` that watches files is for development, so a file takes precedence, unless it is the same. `inPlace`: with the dependencies of the
 * user who runs it, instead of those of a build.
 */
export const denoStart = async (
  folder: string,
  config: DenoConfig | undefined,
  packageJson: PackageJson | undefined,
  inPlace = false
): Promise<DenoStart | undefined> => {
  const procfile = await procfileOf(folder)
  if (procfile !== undefined)
    return { start: { script: `${before(procfile, inPlace)}${procfile}` }, modules: modulesOf(procfile) }
  const task = taskOf("start", config, packageJson)
  const file = await firstFile(folder, entryPoints)
  const isOfFile =
    file !== undefined && task !== undefined && modulesOf(task.line).some((each) => each.replace(/^\.\//, "") === file)
  if (task !== undefined && (!watches(task.line) || file === undefined || isOfFile)) return ofTask(task, inPlace)
  return file === undefined ? undefined : ofFile(file, (await readText(folder, file)) ?? "", inPlace)
}

/** The `dev` task, run by `deno task` so that its dependencies run too. */
export const devTask = (
  config: DenoConfig | undefined
): { readonly start: Start; readonly line: string } | undefined => {
  const task = taskOf("dev", config, undefined)
  if (task === undefined) return undefined
  return { line: task.line, start: { script: `${before(task.line, true)}exec deno task dev` } }
}
