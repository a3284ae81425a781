import type { Expr } from "@bufbuild/cel-spec/cel/expr/syntax_pb.js"
import { nearest } from "@maxcloud/config-schema"
import { partsOf } from "./celMeter.ts"

/** The names available in an expression. One that uses `service` is evaluated for each service. */
const policyNames = ["service", "services", "app", "stage", "organization", "exports", "metadata"] as const

const types = ["bool", "int", "double", "string", "list", "map", "null_type"]

/** All functions that an expression can call. Nothing else has bounded work. */
const functions = [
  "size",
  "contains",
  "startsWith",
  "endsWith",
  "matches",
  "lowerAscii",
  "upperAscii",
  "string",
  "int",
  "double",
  "type",
  "dyn"
]
const macros = ["has", "all", "exists", "exists_one", "map", "filter"]
const operators = new Set([
  "_&&_",
  "_||_",
  "!_",
  "_==_",
  "_!=_",
  "_<_",
  "_<=_",
  "_>_",
  "_>=_",
  "_+_",
  "_-_",
  "_*_",
  "_/_",
  "_%_",
  "-_",
  "_?_:_",
  "_[_]",
  "@in",
  "@not_strictly_false"
])

/** What an expression is about. */
export interface Checked {
  readonly usesService: boolean
  /** The fields of `service` that it reads: `["scale", "max"]`. */
  readonly fields: ReadonlyArray<ReadonlyArray<string>>
}

type Scope = ReadonlySet<string>

const meant = (name: string, known: ReadonlyArray<string>) => {
  const found = nearest(name, known)
  return found === undefined ? `Use one of ${known.join(", ")}.` : `Did you mean "${found}"?`
}

/** `service.scale.max` and `service.labels["team"]` as a path from its first name. */
const chainOf = ({ exprKind }: Expr): ReadonlyArray<string> | undefined => {
  if (exprKind.case === "identExpr") return [exprKind.value.name]
  if (exprKind.case === "selectExpr") {
    const above = exprKind.value.operand === undefined ? undefined : chainOf(exprKind.value.operand)
    return above === undefined ? undefined : [...above, exprKind.value.field]
  }
  if (exprKind.case !== "callExpr" || exprKind.value.function !== "_[_]") return undefined
  const [operand, index] = exprKind.value.args
  const above = operand === undefined ? undefined : chainOf(operand)
  const key = index?.exprKind.case === "constExpr" ? index.exprKind.value.constantKind : undefined
  return above === undefined || key?.case !== "stringValue" ? undefined : [...above, key.value]
}

/** The first invalid part of the expression, or what it's about. */
export const checkExpression = (expr: Expr): Checked | { readonly mistake: string } => {
  const fields: Array<ReadonlyArray<string>> = []
  let usesService = false

  const ofCall = (name: string) => {
    if (operators.has(name) || functions.includes(name)) return undefined
    return `Unknown function "${name}". ${meant(name, [...functions, ...macros])}`
  }

  const visit = (each: Expr, scope: Scope): string | undefined => {
    const { exprKind } = each
    const chain = chainOf(each)
    const [root, ...field] = chain ?? []
    if (root !== undefined && !scope.has(root)) {
      if (root === "service") {
        usesService = true
        fields.push(field)
        return undefined
      }
      if (policyNames.some((name) => name === root) || (field.length === 0 && types.includes(root))) return undefined
      return `Unknown name "${root}". ${meant(root, policyNames)}`
    }
    if (exprKind.case === undefined) return "A part of the expression is empty."
    if (exprKind.case === "constExpr" && exprKind.value.constantKind.case === "bytesValue") {
      return `Bytes (b"…") aren't supported. Write a text.`
    }
    if (exprKind.case === "structExpr" && exprKind.value.messageName !== "") {
      return `Unknown type "${exprKind.value.messageName}". Write a map: {"key": value}.`
    }
    if (exprKind.case === "callExpr") {
      const mistake = ofCall(exprKind.value.function)
      if (mistake !== undefined) return mistake
    }
    return firstOf(each, scope)
  }

  const firstOf = (each: Expr, scope: Scope): string | undefined => {
    const { exprKind } = each
    const loop = exprKind.case === "comprehensionExpr" ? exprKind.value : undefined
    const inside =
      loop === undefined
        ? scope
        : new Set([...scope, loop.iterVar, loop.iterVar2, loop.accuVar].filter((name) => name !== ""))
    for (const part of partsOf(each)) {
      const isOutside = loop !== undefined && (part === loop.iterRange || part === loop.accuInit)
      const mistake = visit(part, isOutside ? scope : inside)
      if (mistake !== undefined) return mistake
    }
    return undefined
  }

  const mistake = visit(expr, new Set())
  return mistake === undefined ? { usesService, fields } : { mistake }
}
