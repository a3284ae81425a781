import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "@babel/parser"
import { nodesOf } from "../nodesOf.ts"

export interface Pattern {
  /** `/source/flags`, or the source text of a `new RegExp(…)` with a computed pattern. */
  readonly written: string
  readonly file: string
  readonly line: number
  /** The input for a checker; undefined if the pattern is known only at run time. */
  readonly literal?: { readonly source: string; readonly flags: string }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const textOf = (value: unknown) => (typeof value === "string" ? value : "")

/** The regular expressions of a TypeScript source: literals and calls of `RegExp`. */
export const patternsOf = (text: string, file: string): ReadonlyArray<Pattern> => {
  const { program } = parse(text, { sourceType: "module", plugins: ["typescript"] })
  return [...nodesOf(program)].flatMap((node): ReadonlyArray<Pattern> => {
    const { callee, end, flags, pattern, start, type } = node
    const line = text.slice(0, Number(start)).split("\n").length
    if (type === "RegExpLiteral") {
      const literal = { source: textOf(pattern), flags: textOf(flags) }
      return [{ written: `/${literal.source}/${literal.flags}`, file, line, literal }]
    }
    const isMade = (type === "NewExpression" || type === "CallExpression") && isObject(callee)
    if (!isMade || callee["name"] !== "RegExp") return []
    return [{ written: text.slice(Number(start), Number(end)), file, line }]
  })
}

/** The patterns of all files below a folder, without tests. */
export const patternsIn = (root: string, folder: string): ReadonlyArray<Pattern> =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((text) => text.endsWith(".ts") && !text.endsWith(".test.ts"))
    .flatMap((value) => patternsOf(readFileSync(join(root, folder, value), "utf8"), join(folder, value)))
