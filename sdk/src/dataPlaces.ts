import { extname } from "node:path"
import type { SpecIssue } from "@maxcloud/config-schema"
import { isCollection, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml"
import type { ConfigIssue } from "./errors.ts"
import { readablePath } from "./issuePath.ts"

type Read =
  | { readonly issue: ConfigIssue }
  | {
      readonly value: unknown
      readonly locate: (issues: ReadonlyArray<SpecIssue>) => ReadonlyArray<ConfigIssue>
    }

const reason = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** Where the node at `path` begins, or the deepest one above it: a key where there is one. */
const offsetOf = (root: unknown, path: SpecIssue["path"]): number | undefined => {
  let node = root
  let offset = isNode(root) ? root.range?.[0] : undefined
  for (const key of path) {
    if (!isCollection(node)) break
    if (isMap(node)) {
      const pair = node.items.find((_) => (isScalar(_.key) ? String(_.key.value) : undefined) === String(key))
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

/** Reads a config of YAML 1.2 or JSON. */
export const readDocument = (file: string, text: string): Read => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const placeOf = (offset: number | undefined) => {
    if (offset === undefined) return {}
    const { col, line } = lines.linePos(offset)
    return { line, column: col }
  }
  const locate = (value: unknown) => (issues: ReadonlyArray<SpecIssue>) =>
    issues.map(({ message, path }) => ({
      path: readablePath(value, path),
      message,
      file,
      ...placeOf(offsetOf(document.contents, path))
    }))

  if (extname(file) === ".json") {
    try {
      const value: unknown = JSON.parse(text)
      return { value, locate: locate(value) }
    } catch (error) {
      const place = document.errors[0] === undefined ? {} : placeOf(document.errors[0].pos[0])
      return { issue: { path: "", message: `this is no JSON: ${reason(error)}`, file, ...place } }
    }
  }
  const [error] = document.errors
  if (error !== undefined) {
    const message =
      error.code === "MULTIPLE_DOCS"
        ? "a second document begins here: a config is one, write each into a file of its own"
        : `this is no YAML: ${error.message}`
    return { issue: { path: "", message, file, ...placeOf(error.pos[0]) } }
  }
  try {
    const value: unknown = document.toJS()
    return { value, locate: locate(value) }
  } catch (error) {
    return { issue: { path: "", message: `this is no YAML: ${reason(error)}`, file } }
  }
}
