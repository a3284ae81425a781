import { fileURLToPath } from "node:url"
import type { Location, SpecIssue } from "@maxcloud/config-schema"
import type { ConfigIssue } from "../errors.ts"
import { utf8Text } from "../utf8File.ts"
import { readablePath } from "./issuePath.ts"
import {
  findNode,
  isSyntaxNode,
  type Place,
  placeOf,
  propertyOf,
  readSyntax,
  type SyntaxNode,
  unwrapped
} from "./syntaxTree.ts"

const readRoot = async (file: string): Promise<SyntaxNode | undefined> => {
  try {
    const text = await utf8Text(file)
    if (text === undefined) return undefined
    const read = readSyntax(file, text)
    return "root" in read ? read.root : undefined
  } catch {
    return undefined
  }
}

/** The position of `path` inside a literal, as deep as the literal goes. */
const within = (literal: SyntaxNode | undefined, path: SpecIssue["path"]): Place | undefined => {
  let node = literal
  let place = literal === undefined ? undefined : placeOf(literal)
  for (const key of path) {
    if (node === undefined) break
    if (node.type === "ArrayExpression" && Array.isArray(node.elements)) {
      node = unwrapped(node.elements[Number(key)])
      if (node !== undefined) place = placeOf(node)
    } else {
      const property = propertyOf(node, key)
      if (property === undefined) break
      place = placeOf(property)
      node = unwrapped(property.value)
    }
  }
  return place
}

/** The path of an issue in a service, with its lists' indexes in the config. */
const asWritten = (path: SpecIssue["path"], { kept }: Location): SpecIssue["path"] => {
  const [field, index, ...rest] = path
  const indexes = typeof field === "string" ? kept?.[field] : undefined
  return indexes === undefined || typeof index !== "number" ? path : [field ?? "", indexes[index] ?? index, ...rest]
}

const argumentsOf = (call: SyntaxNode): ReadonlyArray<unknown> => (Array.isArray(call.arguments) ? call.arguments : [])

/** The call whose name is at `location`: `service(…)`, or `maxcloud.service(…)`. */
const callAt = (root: SyntaxNode, location: Location): SyntaxNode | undefined =>
  findNode(root, (node) => {
    if (node.type !== "CallExpression" || !isSyntaxNode(node.callee)) return false
    const callee = node.callee
    return [callee, callee.property].filter(isSyntaxNode).some((value) => {
      const { column, line } = placeOf(value)
      return line === location.line && column === location.column
    })
  })

/** The object that the config returns: the first literal that has `services` and `app`. */
const appLiteral = (root: SyntaxNode): SyntaxNode | undefined =>
  findNode(root, (one) => one.type === "ObjectExpression" && propertyOf(one, "services") !== undefined) ??
  findNode(root, (one) => one.type === "ObjectExpression" && propertyOf(one, "app") !== undefined)

/** The position of each issue: in the literal of its `service(…)`, else at that call, else in the app's literal. */
export const placesInModule = async (
  config: string,
  spec: unknown,
  locations: ReadonlyArray<Location | undefined>,
  issues: ReadonlyArray<SpecIssue>
): Promise<ReadonlyArray<ConfigIssue>> => {
  const roots = new Map<string, Promise<SyntaxNode | undefined>>()
  const rootOf = (file: string) => {
    const root = roots.get(file) ?? readRoot(file)
    roots.set(file, root)
    return root
  }
  const place = async (path: SpecIssue["path"]): Promise<Partial<ConfigIssue>> => {
    const [first, index, ...rest] = path
    const location = first === "services" && typeof index === "number" ? locations[index] : undefined
    if (location === undefined) {
      const root = await rootOf(config)
      return root === undefined ? {} : (within(appLiteral(root), path) ?? {})
    }
    const file = location.file.startsWith("file:") ? fileURLToPath(location.file) : location.file
    const root = await rootOf(file)
    const call = root === undefined ? undefined : callAt(root, location)
    const [name, input] = call === undefined ? [] : argumentsOf(call).map(unwrapped)
    const inside = rest[0] === "name" && name !== undefined ? placeOf(name) : within(input, asWritten(rest, location))
    return { file, ...(inside ?? { line: location.line, column: location.column }) }
  }
  return Promise.all(
    issues.map(async ({ code, message, path }) => ({
      path: readablePath(spec, path),
      message,
      ...(code === undefined ? {} : { code }),
      file: config,
      ...(await place(path))
    }))
  )
}
