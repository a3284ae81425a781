import { readFile } from "node:fs/promises"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { ConfigInvalid, type ConfigIssue } from "./errors.ts"
import type { Evaluation } from "./evaluate.ts"
import { findNodes, isSyntaxNode, placeOf, readSyntax, type SyntaxNode } from "./syntaxTree.ts"

type Thrown = Extract<Evaluation, { _tag: "Threw" }>

const pathOf = (written: string) => (written.startsWith("file:") ? fileURLToPath(written) : written)

const invalid = (config: string, message: string, place: Partial<ConfigIssue> = {}) =>
  new ConfigInvalid({ file: config, issues: [{ path: "", message, file: config, ...place }] })

interface Module {
  readonly file: string
  readonly imports: ReadonlyArray<string>
  readonly root?: SyntaxNode
  readonly mistake?: { readonly line: number; readonly column: number; readonly message: string }
}

const readModule = async (file: string): Promise<Module | undefined> => {
  const text = await readFile(file, "utf8").catch(() => undefined)
  if (text === undefined) return undefined
  const read = readSyntax(file, text)
  if ("mistake" in read) return { file, imports: [], mistake: read.mistake }
  const body = Array.isArray(read.root.body) ? read.root.body.filter(isSyntaxNode) : []
  const imports = body
    .filter((_) => _.importKind !== "type" && _.exportKind !== "type")
    .map((_) => (isSyntaxNode(_.source) ? _.source.value : undefined))
    .filter((_) => typeof _ === "string" && _.startsWith("."))
    .map((_) => join(dirname(file), String(_)))
  return { file, imports, root: read.root }
}

/** The config and the files that it imports by relative paths, each after those that import it; 500 at most. */
const modulesOf = async (config: string): Promise<ReadonlyMap<string, Module>> => {
  const modules = new Map<string, Module>()
  const waiting = [config]
  for (let file = waiting.shift(); file !== undefined && modules.size < 500; file = waiting.shift()) {
    if (modules.has(file)) continue
    const module = await readModule(file)
    if (module === undefined) continue
    modules.set(file, module)
    waiting.push(...module.imports)
  }
  return modules
}

/** A circle of imports that can be reached from the config, its first file again at the end. */
const circleOf = (config: string, modules: ReadonlyMap<string, Module>): ReadonlyArray<string> | undefined => {
  const done = new Set<string>()
  const search = (file: string, above: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
    const at = above.indexOf(file)
    if (at !== -1) return [...above.slice(at), file]
    if (done.has(file)) return undefined
    done.add(file)
    for (const next of modules.get(file)?.imports ?? []) {
      const circle = search(next, [...above, file])
      if (circle !== undefined) return circle
    }
    return undefined
  }
  return search(config, [])
}

const showCircle = (config: string, circle: ReadonlyArray<string>) =>
  circle.map((_) => relative(dirname(config), _)).join(" → ")

/** The first frame of a stack in the config's folder, else in any file of the user's own. */
const frameOf = (config: string, stack: string): Partial<ConfigIssue> => {
  const frames = [...stack.matchAll(/(?:\(|\s)((?:file:\/\/)?\/[^()\n]*?):(\d+):(\d+)\)?$/gm)]
    .map((_) => ({ file: pathOf(_[1] ?? ""), line: Number(_[2]), column: Number(_[3]) }))
    .filter((_) => !_.file.includes("/node_modules/"))
  return frames.find((_) => _.file.startsWith(`${dirname(config)}/`)) ?? frames[0] ?? {}
}

/** A package's name on npm, and what may follow it: `@scope/name/file`. */
const packageName = /^(?:@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*(?=\/|$)/

const fixOfMissing = (wanted: string | undefined): string => {
  if (wanted === undefined || wanted.startsWith("/")) return "correct the path (with its extension, as `./services.ts`)"
  const name = packageName.exec(wanted)?.[0]
  // `@/shared`, `~/shared`, `$lib/x`, `#x`: no package can have such a name.
  return name === undefined
    ? "Node doesn't read the `paths` of a tsconfig.json: write a relative path (as `./shared.ts`), or add it to `imports` of the package.json (names that start with #)"
    : `install it: npm i -D ${name}`
}

/** What an exception means that came out of a config, and where it came from. */
export const faultOfThrow = async (config: string, thrown: Thrown): Promise<ConfigInvalid> => {
  const { code, message, name, stack } = thrown

  if (code === "ERR_MODULE_NOT_FOUND" || code === "ERR_UNSUPPORTED_DIR_IMPORT") {
    const [, wanted, from] =
      /^(?:Cannot find (?:package|module)|Directory import) '(.*?)'.* imported from (.*)$/.exec(message) ?? []
    const file = from === undefined ? config : pathOf(from)
    const shown = wanted?.startsWith("/") === true ? relative(dirname(file), wanted) : wanted
    const text = (await readFile(file, "utf8").catch(() => "")).split("\n")
    const line = text.findIndex((_) => wanted !== undefined && _.includes(wanted.split("/").at(-1) ?? wanted)) + 1
    const fix = fixOfMissing(wanted)
    return invalid(config, `cannot find "${shown ?? message}", which is imported here: ${fix}`, {
      file,
      ...(line === 0 ? {} : { line })
    })
  }

  if (code === "ERR_UNKNOWN_FILE_EXTENSION") {
    return invalid(
      config,
      `Node ${process.versions.node} reads no TypeScript: use Node 22.18 or newer, or write maxcloud.config.mjs`
    )
  }

  if (name === "SyntaxError") {
    const [, written, line] = /^(\S.*?):(\d+)\n/.exec(stack) ?? []
    const modules = await modulesOf(config)
    const read = written === undefined ? undefined : await readModule(pathOf(written))
    const mistaken = read?.mistake === undefined ? [...modules.values()].find((_) => _.mistake !== undefined) : read
    if (mistaken?.mistake !== undefined) {
      const { mistake } = mistaken
      return invalid(config, `syntax error: ${mistake.message}`, {
        file: mistaken.file,
        line: mistake.line,
        column: mistake.column
      })
    }
    const fix =
      code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX" ? " (Node only strips types: write it in plain JavaScript)" : ""
    const place = written === undefined ? {} : { file: pathOf(written), line: Number(line) }
    return invalid(config, `${message}${fix}`, place)
  }

  if (name === "ReferenceError" && message.endsWith("before initialization")) {
    const circle = circleOf(config, await modulesOf(config))
    if (circle !== undefined) {
      const shown = showCircle(config, circle)
      return invalid(
        config,
        `cyclic import: ${shown} (${message}): move what they share into a file that imports neither`,
        frameOf(config, stack)
      )
    }
  }

  const threw = name === "ConfigMisuse" ? message : `the config threw ${name === "" ? "" : `${name}: `}${message}`
  return invalid(config, threw, frameOf(config, stack))
}

/** What it means that the config's thread ended without an answer. */
export const faultOfExit = async (config: string, code: number): Promise<ConfigInvalid> => {
  const circle = circleOf(config, await modulesOf(config))
  if (circle !== undefined) {
    return invalid(config, `cyclic import: ${showCircle(config, circle)}: its files wait for each other, none goes on`)
  }
  if (code !== 0 && code !== 13) {
    return invalid(config, `the config ended before it was done: it called process.exit(${code})`)
  }
  // Code 0 or 13 without a call of exit: nothing was left that its await could wait for.
  const { others, place } = await waitsOf(config, awaits)
  return invalid(config, `the config ended before it was done: it awaits what never comes, or exits${others}`, place)
}

const awaits: ReadonlySet<string> = new Set(["AwaitExpression"])
const loops = ["WhileStatement", "DoWhileStatement", "ForStatement"]

/** At most so many places where a config may wait are named besides the first. */
const maxOthers = 3

/** Where a config can wait, in the order in which its modules are evaluated: an import before whoever imports it. */
const waitsOf = async (config: string, kinds: ReadonlySet<string>) => {
  const places = [...(await modulesOf(config)).values()]
    .toReversed()
    .flatMap(({ file, root }) =>
      root === undefined ? [] : findNodes(root, (_) => kinds.has(_.type)).map((node) => ({ file, ...placeOf(node) }))
    )
  const [place = {}, ...rest] = places
  const shown = rest.slice(0, maxOthers).map((_) => `${relative(dirname(config), _.file)}:${_.line}:${_.column}`)
  return { place, others: shown.length === 0 ? "" : ` (here, or at ${shown.join(", ")})` }
}

/** The config didn't end in its time. */
export const faultOfWaiting = async (config: string, seconds: number): Promise<ConfigInvalid> => {
  const { others, place } = await waitsOf(config, new Set([...awaits, ...loops]))
  const what = `the config did not finish within ${seconds} s: it waits for something that doesn't come, or loops${others}`
  return invalid(
    config,
    `${what}. Give what it waits for a time limit of its own, such as AbortSignal.timeout(5000).`,
    place
  )
}
