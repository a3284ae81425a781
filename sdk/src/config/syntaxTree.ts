import { extname } from "node:path"
import { parse } from "@babel/parser"

/** A node of a syntax tree (Babel's ESTree), typed only as far as locating issues needs it. */
export interface SyntaxNode {
  readonly type: string
  readonly loc: { readonly start: { readonly line: number; readonly column: number } }
  readonly [field: string]: unknown
}

export interface Place {
  readonly line: number
  readonly column: number
}

export const isSyntaxNode = (value: unknown): value is SyntaxNode =>
  typeof value === "object" &&
  value !== null &&
  "type" in value &&
  typeof value.type === "string" &&
  "loc" in value &&
  typeof value.loc === "object" &&
  value.loc !== null

/** Parses a module, or returns the position of its first syntax error. */
export const readSyntax = (
  file: string,
  text: string
): { readonly root: SyntaxNode } | { readonly mistake: Place & { readonly message: string } } => {
  const typescript = [".ts", ".mts", ".cts"].includes(extname(file))
  try {
    const root: unknown = parse(text, {
      sourceType: "unambiguous",
      plugins: typescript ? ["typescript"] : [],
      allowReturnOutsideFunction: true
    }).program
    if (isSyntaxNode(root)) return { root }
  } catch (error) {
    if (error instanceof SyntaxError && "loc" in error && typeof error.loc === "object" && error.loc !== null) {
      const { loc } = error
      if ("line" in loc && "column" in loc && typeof loc.line === "number" && typeof loc.column === "number") {
        const message = error.message.replace(/ \(\d+:\d+\)$/, "")
        return { mistake: { message, line: loc.line, column: loc.column + 1 } }
      }
    }
    throw error
  }
  return { mistake: { message: "can't be read", line: 1, column: 1 } }
}

const childrenOf = (node: SyntaxNode): ReadonlyArray<SyntaxNode> =>
  Object.values(node).flatMap((each) =>
    Array.isArray(each) ? each.filter(isSyntaxNode) : isSyntaxNode(each) ? [each] : []
  )

/** The first node, in source order, for which `found` is true. */
export const findNode = (root: SyntaxNode, found: (node: SyntaxNode) => boolean): SyntaxNode | undefined => {
  const waiting = [root]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (found(node)) return node
    waiting.push(...childrenOf(node).toReversed())
  }
  return undefined
}

/** All of them, in source order. */
export const findNodes = (root: SyntaxNode, found: (node: SyntaxNode) => boolean): ReadonlyArray<SyntaxNode> => {
  const nodes: Array<SyntaxNode> = []
  findNode(root, (node) => {
    if (found(node)) nodes.push(node)
    return false
  })
  return nodes
}

export const placeOf = (node: SyntaxNode): Place => ({
  line: node.loc.start.line,
  column: node.loc.start.column + 1
})

/** The value without TypeScript's wrappers: `x as T`, `x satisfies T`, `(x)`. */
export const unwrapped = (node: unknown): SyntaxNode | undefined => {
  if (!isSyntaxNode(node)) return undefined
  const around = ["TSAsExpression", "TSSatisfiesExpression", "TSNonNullExpression", "ParenthesizedExpression"]
  return around.includes(node.type) ? unwrapped(node.expression) : node
}

/** The property `key` of an object literal. */
export const propertyOf = (object: SyntaxNode, key: string | number): SyntaxNode | undefined => {
  const properties = object.properties
  if (!Array.isArray(properties)) return undefined
  return properties.filter(isSyntaxNode).findLast((property) => {
    const written = property.key
    if (property.computed === true || !isSyntaxNode(written)) return false
    return String(written.type === "Identifier" ? written.name : written.value) === String(key)
  })
}
