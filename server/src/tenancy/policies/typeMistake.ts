import type { Expr } from "@bufbuild/cel-spec/cel/expr/syntax_pb.js"
import { nearest } from "@maxcloud/config-schema"
import {
  any,
  bool,
  type CelType,
  canBeEqual,
  double,
  int,
  joinedType,
  list,
  map,
  namesInPolicies,
  text,
  typeWords
} from "./celTypes.ts"

// `@bufbuild/cel` parses and evaluates, but its checker knows only constants and names. This one refuses only what fails in every app: a type
// that depends on the app is `any`.

/** A part of an expression that fails in every app. */
class Mistyped extends Error {
  readonly id: bigint
  constructor(id: bigint, message: string) {
    super(message)
    this.id = id
  }
}

type Scope = ReadonlyMap<string, CelType>
type KindOf<K> = Extract<Expr["exprKind"], { readonly case: K }>["value"]

const fail = (id: bigint, message: string): never => {
  throw new Mistyped(id, message)
}

const shown = (name: string) => JSON.stringify(name.slice(0, 80))

const fieldOf = (id: bigint, of: CelType, field: string): CelType => {
  if (of.kind === "map") return of.of
  if (of.kind === "any") return any
  if (of.kind !== "record") return fail(id, `There is no field ${shown(field)}, because this is ${typeWords(of)}.`)
  const found = Object.hasOwn(of.fields, field) ? of.fields[field] : undefined
  if (found !== undefined) return found
  const known = Object.keys(of.fields)
  const meant = nearest(field, known) ?? known.find((name) => field.length > 2 && name.startsWith(field))
  const fix = meant === undefined ? `Use one of ${known.join(", ")}.` : `Did you mean "${meant}"?`
  return fail(id, `There is no field ${shown(field)}. ${fix}`)
}

const mustBeBool = ({ id }: Expr, found: CelType, what: string): CelType => {
  if (found.kind === "any" || found.kind === "bool") return bool
  return fail(id, `${what} must be true or false, but this is ${typeWords(found)}. Compare it with something.`)
}

const orders: ReadonlySet<string> = new Set(["_<_", "_<=_", "_>_", "_>=_"])
const arithmetic: ReadonlySet<string> = new Set(["_+_", "_-_", "_*_", "_/_", "_%_"])
const isOf = (type: CelType, ...kinds: ReadonlyArray<CelType["kind"]>) =>
  type.kind === "any" || kinds.includes(type.kind)

const signOf = (operator: string) => operator.replaceAll("_", "").replace("@", "")

const compared = (id: bigint, operator: string, a: CelType, b: CelType): CelType => {
  if (orders.has(operator)) {
    for (const each of [a, b]) {
      if (!isOf(each, "int", "double", "text", "bool")) {
        return fail(id, `"${signOf(operator)}" can't compare ${typeWords(each)}.`)
      }
    }
  }
  if (operator === "@in") {
    const { kind } = b
    if (kind === "any" || kind === "map" || kind === "record") return bool
    if (kind !== "list") return fail(id, `"in" needs a list or a map on its right, but this is ${typeWords(b)}.`)
    return b.of === undefined ? bool : compared(id, "_==_", a, b.of)
  }
  return canBeEqual(a, b) ? bool : fail(id, `This compares ${typeWords(a)} with ${typeWords(b)}.`)
}

const calculated = (id: bigint, operator: string, a: CelType, b: CelType): CelType => {
  const kinds = operator === "_+_" ? (["int", "double", "text", "list"] as const) : (["int", "double"] as const)
  for (const each of [a, b]) {
    if (!isOf(each, ...kinds)) return fail(id, `"${signOf(operator)}" can't take ${typeWords(each)}.`)
  }
  if (a.kind === "any" || b.kind === "any") return any
  if (a.kind !== b.kind) {
    const advice = a.kind === "text" || b.kind === "text" ? "string(…)" : "int(…) or double(…)"
    const named = (type: CelType) => (type.kind === "double" ? "a number with a fraction" : typeWords(type))
    return fail(id, `"${signOf(operator)}" can't take ${named(a)} and ${named(b)}. Convert one with ${advice}.`)
  }
  return joinedType(a, b)
}

const onText: ReadonlySet<string> = new Set(["contains", "startsWith", "endsWith", "matches"])

/** The type that a function returns for these values; `values` starts with the one before the dot. */
const calledType = (id: bigint, name: string, values: ReadonlyArray<CelType>): CelType => {
  const [first = any] = values
  switch (name) {
    case "size":
      return isOf(first, "text", "list", "map", "record") ? int : fail(id, `size() can't take ${typeWords(first)}.`)
    case "lowerAscii":
    case "upperAscii":
      return isOf(first, "text") ? text : fail(id, `${name}() needs a text, but this is ${typeWords(first)}.`)
    case "string":
      return text
    case "int":
      return int
    case "double":
      return double
    case "type":
      return { kind: "type" }
  }
  if (!onText.has(name)) return any
  for (const each of values) {
    if (!isOf(each, "text")) return fail(id, `${name}() needs texts, but this is ${typeWords(each)}.`)
  }
  return bool
}

const callType = (each: Expr, { args, function: name, target }: KindOf<"callExpr">, scope: Scope): CelType => {
  const parts = target === undefined ? args : [target, ...args]
  const types = parts.map((part) => typeOf(part, scope))
  const [a = any, b = any, c = any] = types
  const [first = each, second = each] = parts
  if (name === "_&&_" || name === "_||_") {
    mustBeBool(first, a, `Each side of "${signOf(name)}"`)
    return mustBeBool(second, b, `Each side of "${signOf(name)}"`)
  }
  if (name === "!_") return mustBeBool(first, a, `What follows "!"`)
  if (name === "_?_:_") {
    mustBeBool(first, a, `What precedes "?"`)
    return joinedType(b, c)
  }
  if (name === "@not_strictly_false") return bool
  if (name === "_==_" || name === "_!=_" || name === "@in" || orders.has(name)) return compared(each.id, name, a, b)
  if (arithmetic.has(name)) return calculated(each.id, name, a, b)
  if (name === "-_") return isOf(a, "int", "double") ? a : fail(each.id, `"-" can't take ${typeWords(a)}.`)
  if (name !== "_[_]") return calledType(each.id, name, types)
  const key = second.exprKind.case === "constExpr" ? second.exprKind.value.constantKind : undefined
  if (a.kind === "list") return a.of ?? any
  if (key?.case === "stringValue") return fieldOf(each.id, a, key.value)
  return a.kind === "map" ? a.of : any
}

const elementOf = (id: bigint, range: CelType): CelType => {
  if (range.kind === "list") return range.of ?? any
  if (range.kind === "map" || range.kind === "record") return text
  return range.kind === "any" ? any : fail(id, `This goes through ${typeWords(range)}, which isn't a list or a map.`)
}

/** The type of a macro such as `all` and `filter`, which the parser has expanded to a loop. */
const loopType = (loop: KindOf<"comprehensionExpr">, scope: Scope): CelType => {
  const { accuInit, accuVar, iterRange, iterVar, iterVar2, loopStep, result } = loop
  if (accuInit === undefined || iterRange === undefined || loopStep === undefined || result === undefined) return any
  const element = elementOf(iterRange.id, typeOf(iterRange, scope))
  const initial = typeOf(accuInit, scope)
  const inside = new Map([...scope, [iterVar, element], [iterVar2, any], [accuVar, initial]])
  return typeOf(result, new Map([...scope, [accuVar, joinedType(initial, typeOf(loopStep, inside))]]))
}

const joinedTypes = (types: ReadonlyArray<CelType>): CelType | undefined => {
  const [first, ...others] = types
  return first === undefined ? undefined : others.reduce(joinedType, first)
}

const constantTypes: Readonly<Record<string, CelType>> = {
  boolValue: bool,
  int64Value: int,
  doubleValue: double,
  stringValue: text,
  nullValue: { kind: "null" }
}

const typeOf = (each: Expr, scope: Scope): CelType => {
  const { exprKind, id } = each
  switch (exprKind.case) {
    case "constExpr":
      return constantTypes[exprKind.value.constantKind.case ?? ""] ?? any
    case "identExpr":
      return scope.get(exprKind.value.name) ?? { kind: "type" }
    case "selectExpr": {
      const { field, operand, testOnly } = exprKind.value
      const found = operand === undefined ? any : fieldOf(id, typeOf(operand, scope), field)
      return testOnly ? bool : found
    }
    case "callExpr":
      return callType(each, exprKind.value, scope)
    case "listExpr":
      return list(joinedTypes(exprKind.value.elements.map((element) => typeOf(element, scope))))
    case "structExpr":
      return map(
        joinedTypes(exprKind.value.entries.map(({ value }) => (value === undefined ? any : typeOf(value, scope)))) ??
          any
      )
    case "comprehensionExpr":
      return loopType(exprKind.value, scope)
    default:
      return any
  }
}

/** Where an expression fails for every app, or why it can't be true or false, with the fix; undefined if it may work. */
export const typeMistake = (expr: Expr, positions: Readonly<Record<string, number>>): string | undefined => {
  try {
    const found = typeOf(expr, namesInPolicies)
    return isOf(found, "bool")
      ? undefined
      : `The expression gives ${typeWords(found)}, not true or false. Compare it with something.`
  } catch (error) {
    if (!(error instanceof Mistyped)) throw error
    const offset = positions[String(error.id)]
    return `${offset === undefined ? "" : `Character ${offset + 1}: `}${error.message}`
  }
}
