/** The input for a config's thread. */
export interface EvaluationInput {
  /** The config's URL. */
  readonly url: string
  readonly stage: string
  /** How many values to check for anything that isn't data. */
  readonly values: number
  readonly depth: number
  /** Whether to run its charts. */
  readonly charts: boolean
  /** The port that answers questions. */
  readonly port: import("node:worker_threads").MessagePort
  /** Becomes 1 when an answer arrives. */
  readonly answered: Int32Array
}

/** A fact that the config reads from its context. The answer is the fact's value. */
export interface FactQuestion {
  readonly kind: "fact"
  readonly name: "organization" | "runtime" | "git"
}

export type Question = ImportQuestion | FactQuestion

/** The thread's question about an import. The answer is the absolute path of its file, or undefined. */
export interface ImportQuestion {
  /** `alias`: before Node looks for a package. `missing`: Node finds nothing. */
  readonly kind: "alias" | "missing"
  readonly specifier: string
  /** The URL of the importing file. */
  readonly parent: string
}

/**
 * The program of a config's thread. It is a string instead of a file, so that it survives bundling of the SDK. The symbol is the one that
 * `defineConfig` uses.
 *
 * `npm init` writes `"type": "commonjs"`, so Node refuses import and export in the app's .ts and .js files. The `load` hook loads files that
 * have either as modules anyway, as Node itself does in a package without a type. This includes `.cts` files, where TypeScript allows imports.
 * The `resolve` hook asks the main thread about names that tsconfig.json's `paths` map, and about paths that Node doesn't find. Imports of JSON
 * need no `with { type: "json" }`. Installed packages follow Node's own rules.
 */
export const evaluateProgram = `
const { readFileSync } = require("node:fs")
const { createRequire, isBuiltin, registerHooks } = require("node:module")
const { fileURLToPath, pathToFileURL } = require("node:url")
const { parentPort, receiveMessageOnPort, workerData } = require("node:worker_threads")
// A thread that runs a string has these as globals. Modules would find them and require from the process's folder.
for (const name of ["require", "module", "exports", "__dirname", "__filename"]) delete globalThis[name]
const moduleSyntax = /^(?:import(?:\\s+\\w|\\s*["'*{])|export(?:\\s+\\w|\\s*[*{]))/m
const kindOf = (value) =>
  typeof value === "function" ? "a function" : typeof value === "symbol" ? "a symbol" : typeof value === "bigint" ? "a bigint"
  : value instanceof Promise ? "a promise (await it)" : undefined
let valuesLeft = workerData.values
const notData = (value, path, above) => {
  const found = kindOf(value)
  if (found !== undefined) return { path, found }
  if (typeof value !== "object" || value === null) return undefined
  if (above.has(value)) return { path, found: "an object that contains itself" }
  if (path.length > workerData.depth) return undefined
  above.add(value)
  for (const [key, child] of Object.entries(value)) {
    if (valuesLeft-- <= 0) return undefined
    const inside = notData(child, [...path, Array.isArray(value) ? Number(key) : key], above)
    if (inside !== undefined) return inside
  }
  above.delete(value)
}
const threw = (error) => {
  const isError = typeof error === "object" && error !== null && "message" in error
  let shown = "something that can't be shown"
  try { shown = isError ? String(error.message) : String(error) } catch {}
  return {
    _tag: "Threw",
    name: isError ? String(error.name) : "",
    message: shown,
    code: isError && error.code !== undefined ? String(error.code) : "",
    stack: isError ? String(error.stack) : ""
  }
}
const ask = (question) => {
  Atomics.store(workerData.answered, 0, 0)
  workerData.port.postMessage(question)
  Atomics.wait(workerData.answered, 0, 0)
  return receiveMessageOnPort(workerData.port)?.message
}
const isOwn = (url) => url !== undefined && url.startsWith("file:") && !url.includes("/node_modules/")
const isModule = (url) => moduleSyntax.test(readFileSync(fileURLToPath(url), "utf8"))
const asModule = { commonjs: "module", "commonjs-typescript": "module-typescript" }
const notFound = new Set(["ERR_MODULE_NOT_FOUND", "ERR_UNSUPPORTED_DIR_IMPORT", "MODULE_NOT_FOUND"])
const aName = /^(?!\\.{0,2}\\/|\\.{1,2}$|[a-z][a-z+.-]+:)/i
const files = new Set()
registerHooks?.({
  resolve: (specifier, context, next) => {
    const isRequire = new Set(context.conditions ?? []).has("require")
    const typed = (resolved) =>
      isRequire || !/^file:[^?#]*\\.json$/.test(resolved.url)
        ? resolved
        : { ...resolved, importAttributes: { ...context.importAttributes, type: "json" } }
    const at = (file) => typed(next(isRequire ? file : pathToFileURL(file).href, context))
    const parent = context.parentURL
    if (!isOwn(parent) || specifier === workerData.url || isBuiltin(specifier)) return typed(next(specifier, context))
    const mapped = aName.test(specifier) ? ask({ kind: "alias", specifier, parent }) : undefined
    if (mapped !== undefined) return at(mapped)
    try {
      return typed(next(specifier, context))
    } catch (error) {
      const file = notFound.has(error?.code) ? ask({ kind: "missing", specifier, parent }) : undefined
      if (file === undefined) throw error
      return at(file)
    }
  },
  load: (url, context, next) => {
    if (!isOwn(url)) return next(url, context)
    files.add(fileURLToPath(url))
    const format = /\\.cjs$/.test(url) ? undefined : asModule[context.format]
    return next(url, format !== undefined && isModule(url) ? { ...context, format } : context)
  }
})
const exportsByName = /\\b(?:module\\.)?exports\\b\\s*[.=[]/
const read = async (url) => {
  // The hooks apply to modules loaded by \`require\` in every version of Node. Imports inside such a module get them only in newer versions.
  const isCommonJs = !/\\.m[jt]s$/.test(url) && !isModule(url) && exportsByName.test(readFileSync(fileURLToPath(url), "utf8"))
  if (!isCommonJs) return import(url)
  const exported = createRequire(url)(fileURLToPath(url))
  // TypeScript and bundlers compile a default export to this.
  const isCompiled = exported !== null && typeof exported === "object" && exported.__esModule === true
  return isCompiled ? exported : { default: exported }
}
const context = { stage: workerData.stage }
// Ask only when the config first reads it: most configs read none, and then need no server.
for (const name of ["organization", "runtime", "git"]) {
  Object.defineProperty(context, name, {
    enumerable: true,
    configurable: true,
    get: () => {
      const value = ask({ kind: "fact", name })
      Object.defineProperty(context, name, { value, enumerable: true })
      return value
    }
  })
}
const evaluate = async () => {
  const module = await read(workerData.url)
  if (!("default" in module)) return { _tag: "NoDefaultExport" }
  const config = module.default
  const describe = config === null || config === undefined ? undefined : config[Symbol.for("maxcloud.dev/config")]
  if (typeof describe !== "function") {
    return { _tag: "NotAConfig", found: kindOf(config) ?? (typeof config === "object" ? "an object" : String(config)) }
  }
  const { spec, locations, issues, policies, askOwn, charts } = await describe(context)
  const odd =
    notData(spec, [], new Set()) ??
    policies.map((policy) => notData(policy.written, ["policies", policy.index], new Set())).find((found) => found !== undefined)
  if (odd !== undefined) return { _tag: "NotData", ...odd }
  const objectsOfCharts = workerData.charts ? charts() : []
  // The parsed app comes back if the config has policies of its own.
  parentPort.once("message", async (app) => {
    const answers = await askOwn(app, (place) => parentPort.postMessage({ _tag: "Asking", place }))
    parentPort.postMessage({ _tag: "Answered", answers })
  })
  return { _tag: "Evaluated", spec, locations, issues, policies, charts: objectsOfCharts, files: [...files] }
}
evaluate().catch(threw).then((_) => parentPort.postMessage(_))
`
