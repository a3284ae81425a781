import { extname } from "node:path"
import { isMap, isScalar, isSeq, parseDocument, type YAMLMap } from "yaml"
import { dataExtensions } from "../findConfig.ts"
import { findNodes, isSyntaxNode, propertyOf, readSyntax, type SyntaxNode, unwrapped } from "../syntaxTree.ts"

/** Replaces the text from `start` to `end`. Everything else stays, including comments. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** A config's text, for migrations to read and change. */
export interface ConfigText {
  /** undefined if the config has none. */
  readonly apiVersion: string | undefined
  readonly setApiVersion: (version: string) => ReadonlyArray<Edit>
  /** Renames a field of every service, or of the app. */
  readonly renameField: (of: "app" | "service", from: string, to: string) => ReadonlyArray<Edit>
}

export const edited = (text: string, edits: ReadonlyArray<Edit>): string =>
  edits
    .toSorted((a, b) => b.start - a.start)
    .reduce((before, edit) => before.slice(0, edit.start) + edit.text + before.slice(edit.end), text)

const rangeOf = (node: { readonly range?: readonly [number, number, number] | null | undefined }) => {
  const [start = 0, end = 0] = node.range ?? []
  return { start, end }
}

const inData = (text: string, isJson: boolean): ConfigText | undefined => {
  const document = parseDocument(text)
  const app = document.contents
  if (document.errors.length > 0 || !isMap(app)) return undefined
  const written = (value: string) => (isJson ? JSON.stringify(value) : value)
  const pairOf = (map: YAMLMap<unknown, unknown>, key: string) =>
    map.items.find((pair) => isScalar(pair.key) && pair.key.value === key)
  const services = app.get("services")
  const maps = {
    app: [app],
    service: [app.get("defaults"), ...(isSeq(services) ? services.items : [])].flatMap((each) =>
      isMap(each) ? [each] : []
    )
  }
  const version = pairOf(app, "apiVersion")?.value
  return {
    apiVersion: isScalar(version) ? String(version.value) : undefined,
    setApiVersion: (value) => {
      if (isScalar(version)) return [{ ...rangeOf(version), text: written(value) }]
      const first = app.items[0]?.key
      const { start } = isScalar(first) ? rangeOf(first) : rangeOf(app)
      const field = isJson ? `"apiVersion": ${written(value)},` : `apiVersion: ${value}${app.flow === true ? "," : ""}`
      return [{ start, end: start, text: `${field}${app.flow === true ? " " : "\n"}` }]
    },
    renameField: (of, from, to) =>
      maps[of].flatMap((map) => {
        const key = pairOf(map, from)?.key
        return isScalar(key) ? [{ ...rangeOf(key), text: written(to) }] : []
      })
  }
}

const spanOf = (node: SyntaxNode) => ({ start: Number(node.start), end: Number(node.end) })

const inModule = (file: string, text: string): ConfigText | undefined => {
  const read = readSyntax(file, text)
  if (!("root" in read)) return undefined
  const isObject = (node: SyntaxNode) => node.type === "ObjectExpression"
  const apps = findNodes(
    read.root,
    (node) => isObject(node) && propertyOf(node, "app") !== undefined && propertyOf(node, "services") !== undefined
  )
  const calls = findNodes(read.root, ({ callee, type }) => {
    const name = isSyntaxNode(callee) && isSyntaxNode(callee.property) ? callee.property : callee
    return type === "CallExpression" && isSyntaxNode(name) && name.name === "service"
  })
  const inputs = calls.flatMap(({ arguments: given }) => {
    const input = Array.isArray(given) ? unwrapped(given[1]) : undefined
    return input !== undefined && isObject(input) ? [input] : []
  })
  const versions = apps.flatMap((app) => unwrapped(propertyOf(app, "apiVersion")?.value) ?? [])
  const [first] = versions
  return {
    apiVersion: typeof first?.value === "string" ? first.value : undefined,
    setApiVersion: (value) => {
      if (versions.length > 0) return versions.map((node) => ({ ...spanOf(node), text: JSON.stringify(value) }))
      return apps.flatMap(({ properties }) => {
        const next: unknown = Array.isArray(properties) ? properties[0] : undefined
        if (!isSyntaxNode(next)) return []
        const { start } = spanOf(next)
        return [{ start, end: start, text: `apiVersion: ${JSON.stringify(value)}, ` }]
      })
    },
    renameField: (of, from, to) =>
      (of === "app" ? apps : inputs).flatMap((object) => {
        const property = propertyOf(object, from)
        if (property === undefined || !isSyntaxNode(property.key)) return []
        // In `{ memory }`, the variable keeps its name.
        return [{ ...spanOf(property.key), text: property.shorthand === true ? `${to}: ${from}` : to }]
      })
  }
}

/** Parses a config's text; undefined if it has a syntax error. */
export const readConfigText = (file: string, text: string): ConfigText | undefined =>
  dataExtensions.some((extension) => extension === extname(file))
    ? inData(text, extname(file) === ".json")
    : inModule(file, text)
