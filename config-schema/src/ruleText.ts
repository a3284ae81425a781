import { SchemaAST as AST, Option, Predicate } from "effect"

/** The JSON Schema keywords of a refinement and of the ones below it. */
const keywordsOf = (ast: AST.AST): Readonly<Record<string, unknown>> => {
  if (!AST.isRefinement(ast)) return {}
  const own = Option.getOrElse(AST.getJSONSchemaAnnotation(ast), () => ({}))
  return { ...keywordsOf(ast.from), ...(Predicate.isRecord(own) ? own : {}) }
}

const range = (least: unknown, most: unknown, unit = ""): string => {
  const [from, to] = [typeof least === "number", typeof most === "number"]
  if (from && to) return ` ${unit === "" ? "from " : "of "}${least} to ${most}${unit}`
  return from ? ` of at least ${least}${unit}` : to ? ` of at most ${most}${unit}` : ""
}

/** The rule of a refinement in words: `a whole number from 1 to 65535`. Undefined if it has no keywords. */
export const ruleText = (ast: AST.Refinement): string | undefined => {
  const rule = keywordsOf(ast)
  if (rule.minLength !== undefined || rule.maxLength !== undefined)
    return `a text${range(rule.minLength, rule.maxLength, " characters")}`
  if (rule.minItems !== undefined || rule.maxItems !== undefined)
    return `a list${range(rule.minItems, rule.maxItems, " entries")}`
  if (rule.minimum !== undefined || rule.maximum !== undefined || rule.type === "integer")
    return `a ${rule.type === "integer" ? "whole " : ""}number${range(rule.minimum, rule.maximum)}`
  return typeof rule.pattern === "string" ? `a text of the form ${rule.pattern}` : undefined
}
