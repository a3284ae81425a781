import {
  type CelFunc,
  type CelList,
  CelScalar,
  type CelValue,
  celFunc,
  celList,
  isCelList,
  isCelMap,
  listType
} from "@bufbuild/cel"
import { strings } from "@bufbuild/cel/ext"
import { type Expr, Expr_CallSchema, ExprSchema } from "@bufbuild/cel-spec/cel/expr/syntax_pb.js"
import { create } from "@bufbuild/protobuf"
import { policyLimits } from "./policyLimits.ts"

/**
 * CEL always terminates, but three nested loops over 500 services take minutes, and `x + x` thirty times makes
 * gigabytes. So each loop and each call of an expression counts its work. The counting is in the expression itself:
 * every loop asks `@more` whether to go on, and the arguments of every call pass a function that charges for their size.
 * It depends only on the expression and the app, so equal questions get equal answers.
 */
export interface Meter {
  spent: number
  limit: number
}

class TooCostly extends Error {}

const charge = (meter: Meter, units: number): void => {
  meter.spent += units
  if (meter.spent > meter.limit) throw new TooCostly("the work limit is reached")
}

const ofText = (text: string) => 1 + Math.floor(text.length / 64)

const flatCost = (value: CelValue): number => (typeof value === "string" ? ofText(value) : 1)

/** Including everything inside, as far as it's worth counting. */
const deepCost = (value: CelValue, most: number): number => {
  const waiting: Array<CelValue> = [value]
  let cost = 0
  for (let each = waiting.pop(); each !== undefined && cost <= most; each = waiting.pop()) {
    cost += flatCost(each)
    if (isCelList(each)) waiting.push(...each)
    else if (isCelMap(each)) for (const [, inside] of each) waiting.push(inside)
  }
  return cost
}

/** The approximate number of steps in a regular expression: `{3,63}` multiplies what's before it, and can be nested. */
const stepsOf = (pattern: string): number => {
  const groups = [0]
  /** Steps of the last part. */
  let last = 0
  const add = (steps: number) => {
    last = steps
    groups.push((groups.pop() ?? 0) + steps)
  }
  for (const [part, , most] of pattern.matchAll(/\\.|\[(?:\\.|[^\]\\])*\]|\{(\d{1,4})?(?:,?(\d{1,4}))?,?\}|[\s\S]/g)) {
    if (part === "(") groups.push(0)
    else if (part === ")") {
      const inside = groups.pop() ?? 0
      if (groups.length === 0) groups.push(0)
      add(inside)
    } else if (part.startsWith("{") && part.length > 1) {
      const times = Number(most ?? /\d+/.exec(part)?.[0] ?? 1)
      add(last * Math.max(0, times - 1))
    } else add(1)
  }
  return groups.reduce((sum, each) => sum + each, 1)
}

const joined = (a: string, b: string): string => {
  if (a.length + b.length <= policyLimits.textLength) return a + b
  throw new Error(`a text would have more than ${policyLimits.textLength} characters`)
}

const appended = (meter: Meter, a: CelList, b: CelList): CelList => {
  const size = a.size + b.size
  charge(meter, Math.ceil(size / 8))
  if (size <= policyLimits.listLength) return celList([...a, ...b])
  throw new Error(`a list would have more than ${policyLimits.listLength} items`)
}

const { BOOL, DYN, INT, STRING } = CelScalar
const list = listType(DYN)
const wanted = new Set(["lowerAscii", "upperAscii"])

/** The functions that measure, and those that replace functions without a bound. */
export const measuring = (meter: Meter): ReadonlyArray<CelFunc> => [
  celFunc("@more", [BOOL, INT], BOOL, (more, parts) => {
    meter.spent += Number(parts)
    return more && meter.spent <= meter.limit
  }),
  celFunc("@flat", [DYN], DYN, (value) => {
    charge(meter, flatCost(value))
    return value
  }),
  celFunc("@deep", [DYN], DYN, (value) => {
    charge(meter, deepCost(value, meter.limit - meter.spent))
    return value
  }),
  celFunc("@regex", [DYN, DYN], DYN, (text, pattern) => {
    const size = typeof text === "string" ? text.length : 1
    // Once to read the pattern, and once for each character.
    const steps = typeof pattern === "string" ? stepsOf(pattern) : 1
    charge(meter, 20 + Math.ceil(steps / 2 + (size * steps) / 400))
    return text
  }),
  celFunc("_+_", [STRING, STRING], STRING, joined),
  celFunc("_+_", [list, list], list, (a, b) => appended(meter, a, b)),
  ...strings.filter(({ name }) => wanted.has(name))
]

/** Operators that only look at true, false or one place. */
const free: ReadonlySet<string> = new Set(["_&&_", "_||_", "!_", "_?_:_", "_[_]", "@not_strictly_false"])
/** Operators that compare everything inside their arguments. */
const comparing: ReadonlySet<string> = new Set(["_==_", "_!=_", "@in"])

/** The direct parts of an expression. */
export const partsOf = ({ exprKind }: Expr): ReadonlyArray<Expr> => {
  const some = (...parts: ReadonlyArray<Expr | undefined>) => parts.filter((part) => part !== undefined)
  switch (exprKind.case) {
    case "selectExpr":
      return some(exprKind.value.operand)
    case "callExpr":
      return some(exprKind.value.target, ...exprKind.value.args)
    case "listExpr":
      return exprKind.value.elements
    case "structExpr":
      return exprKind.value.entries.flatMap(({ keyKind, value }) =>
        some(keyKind.case === "mapKey" ? keyKind.value : undefined, value)
      )
    case "comprehensionExpr": {
      const { accuInit, iterRange, loopCondition, loopStep, result } = exprKind.value
      return some(iterRange, accuInit, loopCondition, loopStep, result)
    }
    default:
      return []
  }
}

/** How many parts an expression has. Stops soon after `most`. */
export const countParts = (expr: Expr, most = Number.POSITIVE_INFINITY): number => {
  const waiting = [expr]
  let count = 0
  for (let each = waiting.pop(); each !== undefined && count <= most; each = waiting.pop()) {
    count++
    waiting.push(...partsOf(each))
  }
  return count
}

const called = (name: string, id: bigint, ...args: Array<Expr>): Expr =>
  create(ExprSchema, { id, exprKind: { case: "callExpr", value: create(Expr_CallSchema, { function: name, args }) } })

const whole = (value: number): Expr =>
  create(ExprSchema, {
    exprKind: { case: "constExpr", value: { constantKind: { case: "int64Value", value: BigInt(value) } } }
  })

/** Adds the counting to an expression, in place. */
export const metered = (expr: Expr): Expr => {
  const { exprKind } = expr
  if (exprKind.case === "comprehensionExpr") {
    const loop = exprKind.value
    const { loopCondition } = loop
    if (loopCondition !== undefined) {
      loop.loopCondition = called("@more", expr.id, loopCondition, whole(countParts(expr)))
    }
  }
  for (const part of partsOf(expr)) metered(part)
  if (exprKind.case !== "callExpr" || free.has(exprKind.value.function) || exprKind.value.function.startsWith("@more"))
    return expr
  const call = exprKind.value
  const [pattern] = call.args
  if (call.function === "matches" && call.target !== undefined && pattern !== undefined) {
    call.target = called("@regex", expr.id, call.target, pattern)
    return expr
  }
  const charged = comparing.has(call.function) ? "@deep" : "@flat"
  if (call.target !== undefined) call.target = called(charged, expr.id, call.target)
  call.args = call.args.map((arg) => called(charged, expr.id, arg))
  return expr
}
