import { pathToFileURL } from "node:url"
import { Worker } from "node:worker_threads"
import { bounds, type Location, maxSpecValues } from "@maxcloud/config-schema"
import { Effect } from "effect"

/** What came of evaluating a config for a stage. */
export type Evaluation =
  | {
      readonly _tag: "Evaluated"
      readonly spec: unknown
      readonly locations: ReadonlyArray<Location | undefined>
      /** The files that it is made of, as absolute paths: those of installed packages aren't among them. */
      readonly files: ReadonlyArray<string>
    }
  | { readonly _tag: "NoDefaultExport" }
  | { readonly _tag: "NotAConfig"; readonly found: string }
  | { readonly _tag: "NotData"; readonly path: ReadonlyArray<string | number>; readonly found: string }
  | {
      readonly _tag: "Threw"
      readonly name: string
      readonly message: string
      readonly code: string
      readonly stack: string
    }
  | { readonly _tag: "Exited"; readonly code: number }
  | { readonly _tag: "TookTooLong"; readonly seconds: number }

// A text and no file of its own, so that it is there however the SDK is bundled. The symbol is that of `defineConfig`.
// `npm init` writes `"type": "commonjs"`, so Node refuses import and export in the app's .ts and .js files. The hook loads files that
// have either as modules anyway, as Node itself does in a package without a type.
const program = `
const { readFileSync } = require("node:fs")
const { registerHooks } = require("node:module")
const { fileURLToPath } = require("node:url")
const { parentPort, workerData } = require("node:worker_threads")
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
  let shown = "something that cannot be shown"
  try { shown = isError ? String(error.message) : String(error) } catch {}
  return {
    _tag: "Threw",
    name: isError ? String(error.name) : "",
    message: shown,
    code: isError && error.code !== undefined ? String(error.code) : "",
    stack: isError ? String(error.stack) : ""
  }
}
const asModule = { commonjs: "module", "commonjs-typescript": "module-typescript" }
const files = new Set()
registerHooks?.({
  load: (url, context, next) => {
    if (url.startsWith("file:") && !url.includes("/node_modules/")) files.add(fileURLToPath(url))
    const format = url.startsWith("file:") && !url.includes("/node_modules/") ? asModule[context.format] : undefined
    const isModule = format !== undefined && !/\\.c[jt]s$/.test(url) && moduleSyntax.test(readFileSync(fileURLToPath(url), "utf8"))
    return next(url, isModule ? { ...context, format } : context)
  }
})
const evaluate = async () => {
  const module = await import(workerData.url)
  if (!("default" in module)) return { _tag: "NoDefaultExport" }
  const config = module.default
  const describe = config === null || config === undefined ? undefined : config[Symbol.for("maxcloud.dev/config")]
  if (typeof describe !== "function") {
    return { _tag: "NotAConfig", found: kindOf(config) ?? (typeof config === "object" ? "an object" : String(config)) }
  }
  const { spec, locations } = await describe({ stage: workerData.stage })
  const odd = notData(spec, [], new Set())
  return odd === undefined ? { _tag: "Evaluated", spec, locations, files: [...files] } : { _tag: "NotData", ...odd }
}
evaluate().catch(threw).then((_) => parentPort.postMessage(_))
`

const limitSeconds = 30

/**
 * Runs a config in a thread of its own: its modules are read anew each time, it may call `process.exit` or never end without harm,
 * and what it prints goes to standard error.
 */
export const evaluate = (file: string, stage: string, seconds: number = limitSeconds): Effect.Effect<Evaluation> =>
  Effect.async<Evaluation>((resume) => {
    const worker = new Worker(program, {
      eval: true,
      // What has more than this is refused by its size, wherever it is no data.
      workerData: { url: pathToFileURL(file).href, stage, values: maxSpecValues, depth: bounds.depth },
      stdout: true,
      stderr: true,
      execArgv: ["--disable-warning=ExperimentalWarning", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"]
    })
    worker.stdout.pipe(process.stderr, { end: false })
    worker.stderr.pipe(process.stderr, { end: false })
    const timer = setTimeout(() => end({ _tag: "TookTooLong", seconds }), seconds * 1000)
    const end = (evaluation: Evaluation) => {
      clearTimeout(timer)
      worker.removeAllListeners()
      worker.on("error", () => {})
      void worker.terminate().then(() => resume(Effect.succeed(evaluation)))
    }
    worker.once("message", end)
    worker.once("error", (error) =>
      end({ _tag: "Threw", name: error.name, message: error.message, code: "", stack: error.stack ?? "" })
    )
    worker.once("exit", (code) => end({ _tag: "Exited", code }))
    return Effect.promise(() => {
      clearTimeout(timer)
      worker.removeAllListeners()
      return worker.terminate()
    })
  })
