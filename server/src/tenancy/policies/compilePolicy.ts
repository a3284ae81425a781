import { type CelInput, celEnv, isCelError, parse, plan } from "@bufbuild/cel"
import type { Expr } from "@bufbuild/cel-spec/cel/expr/syntax_pb.js"
import { type PolicyApp, writtenField } from "@maxcloud/config-schema"
import { Either } from "effect"
import { checkExpression } from "./celCheck.ts"
import { countParts, type Meter, measuring, metered } from "./celMeter.ts"
import { policyLimits } from "./policyLimits.ts"
import { typeMistake } from "./typeMistake.ts"

/**
 * What an expression sees, in the types of CEL: whole numbers are `int`, and everything else is accessible only by key.
 */
export interface Facts {
  readonly shared: Readonly<Record<string, CelInput>>
  readonly services: ReadonlyArray<CelInput>
}

/** An expression's result for an app, or for one of its services. */
export type Answer = { readonly kept: boolean } | { readonly fault: string }

/** An expression that can be evaluated. */
export interface CompiledPolicy {
  readonly perService: boolean
  /** The place in a config that it's about: `["memory"]`. Empty: the service, or the app, as a whole. */
  readonly field: ReadonlyArray<string | number>
  /** One answer, or one for each service. `spent`: units of work. */
  readonly ask: (facts: Facts, work: number) => { readonly answers: ReadonlyArray<Answer>; readonly spent: number }
}

const inCel = (value: unknown): CelInput => {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value
  if (typeof value === "string" || typeof value === "boolean") return value
  if (Array.isArray(value)) return value.map(inCel)
  if (typeof value !== "object" || value === null) return null
  return new Map(Object.entries(value).map(([key, inside]) => [key, inCel(inside)]))
}

/** What policies see of an app that is to be deployed. */
export const factsOf = (
  { app, exports, services, stage }: PolicyApp,
  rest: { readonly organization: string; readonly metadata: Readonly<Record<string, string>> }
): Facts => {
  const all = services.map(inCel)
  const shared = { app, stage, services: all, exports: inCel(exports), organization: rest.organization }
  return { shared: { ...shared, metadata: inCel(rest.metadata) }, services: all }
}

/** The prefix that all fields share, as a config writes it. */
const commonField = (fields: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string | number> => {
  const [first = [], ...others] = fields
  const end = first.findIndex((part, index) => others.some((other) => other[index] !== part))
  return writtenField(end === -1 ? first : first.slice(0, end))
}

const nestingOf = (text: string): number => {
  let depth = 0
  let deepest = 0
  for (const character of text) {
    if ("([{".includes(character)) deepest = Math.max(deepest, ++depth)
    else if (")]}".includes(character)) depth--
  }
  return deepest
}

/** The library throws a RangeError for invalid code points too. */
const isOverflow = (error: unknown) => error instanceof RangeError && /call stack/.test(error.message)

/** The library's own message, without its notation for places. */
const wordsOf = (error: unknown): string => {
  if (isOverflow(error)) return "It is nested too deeply. Split it into several policies."
  const message = error instanceof Error ? error.message : String(error)
  const [, column, text = message] = /^<input>:\d+:(\d+): ([\s\S]*)$/.exec(message.slice(0, 400)) ?? []
  return `${column === undefined ? "" : `Character ${Number(column) + 1}: `}${text.slice(0, 200)}.`
}

/** An expression's parts, and where each begins in its text, by its number. */
interface Parsed {
  readonly expr: Expr
  readonly positions: Readonly<Record<string, number>>
}

const parsed = (expression: string): Either.Either<Parsed, string> => {
  if (expression.length > policyLimits.expressionLength) {
    return Either.left(
      `The expression has ${expression.length} characters. It can have up to ${policyLimits.expressionLength}: split it into several policies.`
    )
  }
  if (nestingOf(expression) > policyLimits.nesting) {
    return Either.left(
      `The expression has more than ${policyLimits.nesting} nested brackets. Split it into several policies.`
    )
  }
  try {
    const { expr, sourceInfo } = parse(expression)
    return countParts(expr, policyLimits.parts) > policyLimits.parts
      ? Either.left(`The expression has more than ${policyLimits.parts} parts. Split it into several policies.`)
      : Either.right({ expr, positions: sourceInfo?.positions ?? {} })
  } catch (error) {
    return Either.left(`The expression isn't valid CEL. ${wordsOf(error)}`)
  }
}

const tooCostly = `it needs too much work for this app: nested loops, or long texts (more than ${policyLimits.work} units)`

/**
 * Why an expression can't be true for any app, with its place and the fix; undefined if it can. For new expressions: a stored one is judged by
 * what it does.
 */
export const mistakeIn = (expression: string): string | undefined =>
  Either.match(parsed(expression), {
    onLeft: (mistake) => mistake,
    onRight: ({ expr, positions }) => {
      const checked = checkExpression(expr)
      return "mistake" in checked ? checked.mistake : typeMistake(expr, positions)
    }
  })

/** Parses an expression. Left: what's wrong with it, and how to fix it. */
export const compilePolicy = (expression: string): Either.Either<CompiledPolicy, string> =>
  Either.flatMap(parsed(expression), ({ expr }) => {
    const checked = checkExpression(expr)
    if ("mistake" in checked) return Either.left(checked.mistake)
    const meter: Meter = { spent: 0, limit: 0 }
    const ask = plan(celEnv({ funcs: [...measuring(meter)] }), metered(expr))
    const answer = (names: Readonly<Record<string, CelInput>>): Answer => {
      try {
        const result = ask(names)
        if (meter.spent > meter.limit) return { fault: tooCostly }
        if (isCelError(result)) return { fault: result.message.slice(0, 200) }
        return typeof result === "boolean"
          ? { kept: result }
          : { fault: "it doesn't return true or false. Compare it with something" }
      } catch (error) {
        return {
          fault: isOverflow(error) ? "it is nested too deeply" : String(error).slice(0, 200)
        }
      }
    }
    return Either.right({
      perService: checked.usesService,
      field: checked.usesService ? commonField(checked.fields) : [],
      ask: ({ services, shared }, work) => {
        meter.spent = 0
        meter.limit = Math.min(work, policyLimits.work)
        const answers: Array<Answer> = []
        for (const names of checked.usesService
          ? services.map((service) => ({ ...shared, service }))
          : [{ ...shared }]) {
          answers.push(answer(names))
          // The other services would give the same answer.
          if (meter.spent > meter.limit) break
        }
        return { answers, spent: meter.spent }
      }
    })
  })
