import { extname } from "node:path"
import type { SpecIssue } from "@maxcloud/config-schema"
import { isCollection, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml"
import type { ConfigIssue } from "../errors.ts"
import { expandDefaults } from "./configDefaults.ts"
import { readablePath } from "./issuePath.ts"

type Read =
  | { readonly issue: ConfigIssue }
  | {
      readonly value: unknown
      /** `policies` as written, which aren't part of the app. */
      readonly policies: unknown
      /** Mistakes that the parsed value no longer shows. */
      readonly issues: ReadonlyArray<SpecIssue>
      readonly locate: (issues: ReadonlyArray<SpecIssue>) => ReadonlyArray<ConfigIssue>
    }

const reason = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** The position of the node at `path`, or of its deepest existing ancestor. Points at the key if there is one. */
const offsetOf = (root: unknown, path: SpecIssue["path"]): number | undefined => {
  let node = root
  let offset = isNode(root) ? root.range?.[0] : undefined
  for (const key of path) {
    if (!isCollection(node)) break
    if (isMap(node)) {
      const pair = node.items.find((item) => (isScalar(item.key) ? String(item.key.value) : undefined) === String(key))
      if (pair === undefined) break
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      const item = node.items[Number(key)]
      if (item === undefined) break
      if (isNode(item)) offset = item.range?.[0] ?? offset
      node = item
    }
  }
  return offset
}

/** The number of values that aliases repeat, including nested aliases. */
const maxAliases = 100

/** As many characters as a server accepts bytes. */
const maxCharacters = 1_048_576

const tooDeep = "The config has too many nested lists and maps. Remove the levels that no field needs."

/** Reads a YAML 1.2 or JSON config. */
export const readDocument = (file: string, text: string): Read => {
  if (text.length > maxCharacters) {
    const message = `The config has ${text.length} characters. It can have up to ${maxCharacters}: split the app, or move large values into an image, a file or a secret.`
    return { issue: { path: "", message, file } }
  }
  try {
    return readNodes(file, text)
  } catch (error) {
    // The parser is recursive.
    if (!(error instanceof RangeError)) throw error
    return { issue: { path: "", message: tooDeep, file } }
  }
}

/** The config without `$schema`, which is only for editors. */
const withoutSchema = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null || !("$schema" in value)) return value
  const { $schema, ...rest } = value
  return typeof $schema === "string" ? rest : value
}

const withoutPolicies = (value: unknown): { readonly policies?: unknown; readonly rest: unknown } => {
  if (typeof value !== "object" || value === null || !("policies" in value)) return { rest: value }
  const { policies, ...rest } = value
  return { policies, rest }
}

/** Variables that would lose their text: `3.10` arrives as 3.1, `0x10` as 16, `True` as true. */
const rewrittenValues = (root: unknown): ReadonlyArray<SpecIssue> => {
  const services = isMap(root) ? root.get("services") : undefined
  const all = (isSeq(services) ? services.items : []).map((service, index) => ({ service, path: ["services", index] }))
  return [{ service: isMap(root) ? root.get("defaults") : undefined, path: ["defaults"] }, ...all].flatMap(
    ({ path, service }) => {
      const env = isMap(service) ? service.get("env") : undefined
      return (isMap(env) ? env.items : []).flatMap(({ key, value }) => {
        if (!isScalar(key) || !isScalar(value) || value.source === undefined) return []
        if (typeof value.value !== "number" && typeof value.value !== "boolean") return []
        const read = String(value.value)
        if (read === value.source) return []
        const message = `The service would get "${read}". Write ${read}, or put the text in quotes: "${value.source}".`
        return [{ path: [...path, "env", String(key.value)], message }]
      })
    }
  )
}

const readNodes = (file: string, text: string): Read => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const placeOf = (offset: number | undefined) => {
    if (offset === undefined) return {}
    const { col, line } = lines.linePos(offset)
    return { line, column: col }
  }
  const read = (written: unknown): Read => {
    const { policies, rest } = withoutPolicies(withoutSchema(written))
    const { issues, value, writtenAt } = expandDefaults(rest)
    return {
      value,
      policies,
      issues: [...issues, ...rewrittenValues(document.contents)],
      locate: (found) => {
        const located = found.map(({ code, message, path }): ConfigIssue => {
          const at = writtenAt(path)
          const place = placeOf(offsetOf(document.contents, at))
          return { path: readablePath(value, at), message, ...(code === undefined ? {} : { code }), file, ...place }
        })
        // Report a mistake in the defaults once, however many services have it.
        return [...new Map(located.map((each) => [JSON.stringify(each), each])).values()]
      }
    }
  }

  if (extname(file) === ".json") {
    try {
      const value: unknown = JSON.parse(text)
      // The parser of JSON drops the first of two equal keys.
      const twice = document.errors.find((each) => each.code === "DUPLICATE_KEY")
      if (twice === undefined) return read(value)
      const message = "This object already has this key. Remove one of the two."
      return { issue: { path: "", message, file, ...placeOf(twice.pos[0]) } }
    } catch (error) {
      if (error instanceof RangeError) throw error
      const place = document.errors[0] === undefined ? {} : placeOf(document.errors[0].pos[0])
      return { issue: { path: "", message: `This isn't valid JSON: ${reason(error)}`, file, ...place } }
    }
  }
  const [error] = document.errors
  if (error !== undefined) {
    const message =
      error.code === "RESOURCE_EXHAUSTION"
        ? tooDeep
        : error.code === "MULTIPLE_DOCS"
          ? "A second document starts here, but a config is one document. Put each into its own file."
          : `This isn't valid YAML: ${error.message}`
    return { issue: { path: "", message, file, ...placeOf(error.pos[0]) } }
  }
  try {
    return read(document.toJS({ maxAliasCount: maxAliases }))
  } catch (error) {
    if (error instanceof RangeError) throw error
    const message = /^Excessive alias count/.test(reason(error))
      ? `The config repeats itself by more than ${maxAliases} aliases. Write out some of them.`
      : `This isn't valid YAML: ${reason(error)}`
    return { issue: { path: "", message, file } }
  }
}
