import { dirname, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { ConfigInvalid, type ConfigIssue } from "../errors.ts"
import type { Evaluation } from "./evaluate.ts"
import { moduleExtensions } from "./findConfig.ts"
import { missingImport, notExported } from "./imports/explainMissing.ts"
import { circleOf, modulesOf, readModule, showCircle } from "./moduleGraph.ts"
import { findNodes, placeOf } from "./syntaxTree.ts"

type Thrown = Extract<Evaluation, { _tag: "Threw" }>

const pathOf = (written: string) => (written.startsWith("file:") ? fileURLToPath(written) : written)

const invalid = (config: string, message: string, place: Partial<ConfigIssue> = {}) =>
  new ConfigInvalid({ file: config, issues: [{ path: "", message, file: config, ...place }] })

/** The first stack frame in the config's folder, else in any of the user's own files. */
const frameOf = (config: string, stack: string): Partial<ConfigIssue> => {
  const frames = [...stack.matchAll(/(?:\(|\s)((?:file:\/\/)?\/[^()\n]*?):(\d+):(\d+)\)?$/gm)]
    .map((match) => ({ file: pathOf(match[1] ?? ""), line: Number(match[2]), column: Number(match[3]) }))
    .filter((match) => !match.file.includes("/node_modules/"))
  return frames.find((frame) => frame.file.startsWith(`${dirname(config)}/`)) ?? frames[0] ?? {}
}

/** A syntax error with a message from Node: in JSON, or a name that isn't exported. */
const worded = (message: string): { readonly place?: Partial<ConfigIssue>; readonly message: string } | undefined => {
  const [, file, what = ""] = /^(?:file:\/\/)?(\/.*?\.json): (.*)$/.exec(message) ?? []
  if (file !== undefined) {
    const [, line, column] = / \(line (\d+) column (\d+)\)$/.exec(what) ?? []
    const place = line === undefined ? { file } : { file, line: Number(line), column: Number(column) }
    return { place, message: `This isn't valid JSON: ${what}` }
  }
  const [, data, name] = /module '(.*?\.json)' does not provide an export named '(.*)'$/.exec(message) ?? []
  if (data === undefined) return undefined
  return {
    message: `${data} has only a default export, not "${name}". Write \`import data from "${data}"\`, then \`data.${name}\`.`
  }
}

const faultOfSyntax = async (config: string, { code, message, stack }: Thrown): Promise<ConfigInvalid> => {
  const [, written, line] = /^(\S.*?):(\d+)\n/.exec(stack) ?? []
  const place = written === undefined ? {} : { file: pathOf(written), line: Number(line) }
  const known = worded(message)
  if (known !== undefined) return invalid(config, known.message, known.place ?? place)
  const modules = await modulesOf(config)
  const read = written === undefined ? undefined : await readModule(pathOf(written))
  const mistaken =
    read?.mistake === undefined ? [...modules.values()].find((module) => module.mistake !== undefined) : read
  if (mistaken?.mistake !== undefined) {
    const { column, line, message } = mistaken.mistake
    return invalid(config, `syntax error: ${message}`, { file: mistaken.file, line, column })
  }
  if (written?.endsWith(".cjs") === true && /import statement|Unexpected token 'export'/.test(message))
    return invalid(config, "A .cjs file can't have import or export. Rename it to end with .mjs.", place)
  const fix =
    code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX" ? " (Node only strips types: write it in plain JavaScript)" : ""
  return invalid(config, `${message}${fix}`, place)
}

/** CommonJS names used in a file that is an ES module. */
const commonJsWord = /^(module|exports|require|__dirname|__filename) is not defined/

const insteadOf: Readonly<Record<string, string>> = {
  __dirname: "Use import.meta.dirname.",
  __filename: "Use import.meta.filename."
}

const faultOfReference = async (config: string, { message, stack }: Thrown): Promise<ConfigInvalid | undefined> => {
  if (message.endsWith("before initialization")) {
    const circle = circleOf(config, await modulesOf(config))
    if (circle === undefined) return undefined
    const shown = `cyclic import: ${showCircle(config, circle)} (${message}): move the shared part into a file that imports neither`
    return invalid(config, shown, frameOf(config, stack))
  }
  const word = commonJsWord.exec(message)?.[1]
  if (word === undefined) return undefined
  const fix =
    insteadOf[word] ?? "Use import and export, or give the file a name that ends with .cjs (in TypeScript .cts)."
  return invalid(config, `"${word}" isn't defined in an ES module. ${fix}`, frameOf(config, stack))
}

const faultOfExtension = (config: string, message: string): ConfigInvalid => {
  const [, extension = "", file] = /extension "(.*?)" for (\S+)/.exec(message) ?? []
  if (file === undefined || moduleExtensions.some((moduleExtension) => moduleExtension === extension))
    return invalid(
      config,
      `Node ${process.versions.node} can't read TypeScript: use Node 22.18 or newer, or write maxcloud.config.mjs`
    )
  const fix = /^\.[jt]sx$/.test(extension)
    ? "Move the part that the config needs into a .ts file."
    : 'Read it with `readFileSync` from "node:fs".'
  const shown = relative(dirname(config), pathOf(file))
  return invalid(config, `${shown} is imported, but Node can't run ${extension} files. ${fix}`)
}

/** Room for two paths of the maximum length. */
const longestMessage = 8_192

/** Explains an exception that a config threw, with its position. */
export const faultOfThrow = async (config: string, thrown: Thrown): Promise<ConfigInvalid> => {
  const { code, name, stack } = thrown
  // Node's own messages are matched by patterns, and any error may imitate them.
  const message = thrown.message.slice(0, longestMessage)
  switch (code) {
    case "ERR_MODULE_NOT_FOUND":
    case "ERR_UNSUPPORTED_DIR_IMPORT":
    case "ERR_PACKAGE_IMPORT_NOT_DEFINED":
    case "ERR_INVALID_MODULE_SPECIFIER":
    case "MODULE_NOT_FOUND": {
      const { place, text } = await missingImport(config, message)
      return invalid(config, text, place)
    }
    case "ERR_PACKAGE_PATH_NOT_EXPORTED": {
      const { place, text } = await notExported(config, message)
      return invalid(config, text, place)
    }
    case "ERR_UNKNOWN_FILE_EXTENSION":
      return faultOfExtension(config, message)
    case "ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING": {
      const file = /, for "(.*?)"$/m.exec(message)?.[1]
      const fix =
        "Import its compiled JavaScript. A package of your workspace must be linked into node_modules, not copied."
      return invalid(config, `Node can't run TypeScript inside node_modules. ${fix}`, {
        ...(file === undefined ? {} : { file: pathOf(file) })
      })
    }
  }
  if (name === "SyntaxError") return faultOfSyntax(config, { ...thrown, message })
  const reference = name === "ReferenceError" ? await faultOfReference(config, thrown) : undefined
  if (reference !== undefined) return reference
  const whole = thrown.message
  const threw = name === "ConfigMisuse" ? whole : `the config threw ${name === "" ? "" : `${name}: `}${whole}`
  return invalid(config, threw, frameOf(config, stack))
}

/** Explains why the config's thread exited without an answer. */
export const faultOfExit = async (config: string, code: number): Promise<ConfigInvalid> => {
  const circle = circleOf(config, await modulesOf(config))
  if (circle !== undefined) {
    return invalid(
      config,
      `cyclic import: ${showCircle(config, circle)}: its files wait for each other, and none continues`
    )
  }
  if (code !== 0 && code !== 13) {
    return invalid(config, `the config exited before it was done: it called process.exit(${code})`)
  }
  // Code 0 or 13 without a call of exit: nothing was left to wake its await.
  const { others, place } = await waitsOf(config, awaits)
  return invalid(
    config,
    `the config exited before it was done: it awaits something that never comes, or exits${others}`,
    place
  )
}

const awaits: ReadonlySet<string> = new Set(["AwaitExpression"])
const loops = ["WhileStatement", "DoWhileStatement", "ForStatement"]

/** How many more positions to name where a config may wait, besides the first. */
const maxOthers = 3

/** Positions where a config can wait, in evaluation order: an import before the importing module. */
const waitsOf = async (config: string, kinds: ReadonlySet<string>) => {
  const places = [...(await modulesOf(config)).values()]
    .toReversed()
    .flatMap(({ file, root }) =>
      root === undefined
        ? []
        : findNodes(root, (one) => kinds.has(one.type)).map((node) => ({ file, ...placeOf(node) }))
    )
  const [place = {}, ...rest] = places
  const shown = rest
    .slice(0, maxOthers)
    .map((line) => `${relative(dirname(config), line.file)}:${line.line}:${line.column}`)
  return { place, others: shown.length === 0 ? "" : ` (here, or at ${shown.join(", ")})` }
}

/** Explains that the config didn't finish in time. */
export const faultOfWaiting = async (config: string, seconds: number): Promise<ConfigInvalid> => {
  const { others, place } = await waitsOf(config, new Set([...awaits, ...loops]))
  const what = `the config didn't finish within ${seconds} s: it waits for something that never comes, or loops${others}`
  return invalid(config, `${what}. Add a timeout to whatever it waits for, such as AbortSignal.timeout(5000).`, place)
}
