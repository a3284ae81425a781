import { dirname, join } from "node:path"
import { denoDev } from "./deno/denoProject.ts"
import { isFolder } from "./files.ts"
import type { Start } from "./model.ts"
import { type DevelopmentServer, developmentToolOf } from "./node/developmentTools.ts"
import { installationOf } from "./node/managers.ts"
import { type PackageJson, readPackageJson } from "./node/packageJson.ts"

/** How a folder runs during development: its `dev` script, with a tool that reloads by itself. */
export interface DevStart {
  readonly start: Start
  /** The tool that the script runs, if known: `vite`. */
  readonly tool: string | undefined
  /** Arguments that make the script's tool listen on the port, written as `{port}`. Empty if the tool reads PORT. */
  readonly portArguments: ReadonlyArray<string>
  /** Whether the tool reads `.env` files in its folder by itself, in its own order. */
  readonly readsEnvFiles: boolean
  readonly environment: Readonly<Record<string, string>>
  /** The package manager that must install the dependencies first; undefined if they are installed, or there are none. */
  readonly notInstalled: string | undefined
}

/** Programs that run their arguments as a command. */
const runners = new Set(["cross-env", "npx", "bunx", "exec", "--", "--bun", "env", "time"])
const managers = new Set(["npm", "pnpm", "yarn", "bun"])
const managerWords = new Set(["run", "exec", "x", "dlx"])

const isAssignment = (word: string) => /^[A-Za-z_]\w*=/.test(word)

/** The words of a line starting with its program, without assignments and wrappers. */
const programWords = (line: string): ReadonlyArray<string> => {
  const words = line.trim().split(/\s+/)
  let at = 0
  while (at < words.length) {
    const word = words[at] ?? ""
    if (managers.has(word) && managerWords.has(words[at + 1] ?? "")) at += 2
    else if (isAssignment(word) || runners.has(word)) at++
    else break
  }
  return words.slice(at)
}

/** The last command of a shell line, which receives appended arguments; undefined if that isn't certain. */
const lastCommand = (script: string): string | undefined => {
  const last = script.split(/&&|;/).at(-1) ?? ""
  return /[|&<>(){}`#\n]|\$\(/.test(last) ? undefined : last
}

/** The script that another script only calls: `npm run dev:web`, `pnpm dev:web`. */
const calledBy = (script: string): string | undefined => {
  const called = /^\s*(?:npm run|(?:pnpm|yarn|bun)(?: run)?)\s+([\w:.-]+)\s*$/.exec(script)?.[1]
  return called === undefined || managerWords.has(called) ? undefined : called
}

const mostCalls = 5

const scriptOf = (scripts: Readonly<Record<string, string>>, name: string, calls = 0): Start | undefined => {
  const script = Object.hasOwn(scripts, name) ? scripts[name] : undefined
  if (script === undefined || script.trim() === "") return undefined
  const called = calls < mostCalls ? calledBy(script) : undefined
  const inner = called === undefined ? undefined : scriptOf(scripts, called, calls + 1)
  return inner ?? { script, prestart: Object.hasOwn(scripts, `pre${name}`) ? scripts[`pre${name}`] : undefined }
}

const toolOf = (script: string): readonly [string, DevelopmentServer] | undefined => {
  const last = lastCommand(script)
  if (last === undefined) return undefined
  const [program = "", second = ""] = programWords(last)
  const name = program.slice(program.lastIndexOf("/") + 1)
  const { dev, words } = developmentToolOf(name) ?? {}
  const word = second.startsWith("-") ? "" : second
  const serves = words === undefined || words.includes(word) || (words.includes("") && isFolderName(word))
  return dev !== undefined && serves ? [name, dev] : undefined
}

/** `vite ./web` has a folder where other tools have a subcommand. */
const isFolderName = (word: string): boolean => /^\.{0,2}\//.test(word)

/** Ports in the script itself. If a tool gets two ports, it's unclear which one it uses. */
const withoutPort = (script: string): string => script.replace(/\s(?:--port|-p)(?:=|\s+)\d+(?=\s|$)/g, "")

/** The package manager for the folder's dependencies, if they are missing. */
const notInstalled = async (folder: string, packageJson: PackageJson): Promise<string | undefined> => {
  const installation = await installationOf(folder, packageJson, true)
  if (installation === undefined) return undefined
  for (let at = folder; ; at = dirname(at)) {
    if ((await isFolder(at, "node_modules")) || (await isFolder(at, ".yarn"))) return undefined
    if (dirname(at) === at) return installation.manager
  }
}

/** The `dev` task of a deno.json. Deno installs the dependencies by itself. */
const denoDevStart = async (folder: string): Promise<DevStart | undefined> => {
  const found = await denoDev(folder)
  if (found === undefined) return undefined
  const [name = "deno", tool] = toolOf(found.line) ?? []
  return {
    start: found.start,
    tool: name,
    portArguments: tool?.port ?? [],
    readsEnvFiles: tool?.readsEnvFiles ?? false,
    environment: tool?.environment ?? {},
    notInstalled: undefined
  }
}

/** The `dev` script or Deno's `dev` task of a folder; undefined if it has none. Only reads the folder. */
export const devStart = async (folder: string): Promise<DevStart | undefined> => {
  const packageJson = await readPackageJson(folder, join(folder, "package.json"))
  const start = packageJson === undefined ? undefined : scriptOf(packageJson.scripts ?? {}, "dev")
  if (packageJson === undefined || start === undefined || !("script" in start)) return denoDevStart(folder)
  const found = toolOf(start.script)
  const [name, tool] = found ?? [undefined, undefined]
  return {
    start: tool?.port === undefined ? start : { ...start, script: withoutPort(start.script) },
    tool: name,
    portArguments: tool?.port ?? [],
    readsEnvFiles: tool?.readsEnvFiles ?? false,
    environment: tool?.environment ?? {},
    notInstalled: await notInstalled(folder, packageJson)
  }
}
