import type { Reference, Secret, Text } from "../references.ts"
import type { OwnSecret, Variable } from "./variables.ts"

/** The variables of a contract, by name. */
export type Variables = Readonly<Record<string, Variable<unknown> | Secret | OwnSecret>>

/** The values that a config can set for a variable: one of its type, or a reference that is resolved when the service runs. */
export type GivenTo<V> = V extends Variable<infer Value> ? Exclude<Value, undefined> | Reference : Secret | Text

/** The value that the program gets. */
export type ValueOf<V> = V extends Variable<infer Value> ? Value : string

const contract = Symbol.for("maxcloud.dev/env")

type Given = string | number | boolean | Reference

/** The environment that a service needs. The config passes it as `env`; the service's own code reads it with `readEnv`. */
export interface EnvContract<V extends Variables = Variables> {
  /** The same contract, with values for some of its variables. */
  with(values: { readonly [Name in keyof V]?: GivenTo<V[Name]> }): EnvContract<V>
  readonly [contract]: { readonly variables: V; readonly given: Readonly<Record<string, unknown>> }
}

const contractOf = <V extends Variables>(variables: V, given: Readonly<Record<string, unknown>>): EnvContract<V> => ({
  with: (values) => contractOf(variables, { ...given, ...values }),
  [contract]: { variables, given }
})

/**
 * Describes the environment that a service needs: `envOf({ DATABASE_URL: secret(), RATE: number({ default: 5 }) })`. `PORT` isn't part of it,
 * because the platform sets it.
 */
export const envOf = <const V extends Variables>(variables: V & { readonly PORT?: never }): EnvContract<V> =>
  contractOf<V>(variables, {})

export const isContract = (value: unknown): value is EnvContract =>
  typeof value === "object" && value !== null && contract in value

export const variablesOf = <V extends Variables>(of: EnvContract<V>): V => of[contract].variables

const isSecret = (of: Variables[string]): of is Secret | OwnSecret => !("read" in of)

/** The name of a variable's secret; undefined if it isn't one. */
export const secretNameOf = (name: string, of: Variables[string]): string | undefined =>
  isSecret(of) ? (of.secret ?? name) : undefined

interface Problem {
  readonly name: string
  readonly message: string
}

/** Evaluates a service's contract in a config: the values to send, and everything that is missing or malformed. */
export interface Filled {
  readonly env: Readonly<Record<string, Given>>
  readonly problems: ReadonlyArray<Problem>
}

const isReference = (value: unknown): value is Reference =>
  typeof value === "object" &&
  value !== null &&
  ("secret" in value || "service" in value || "external" in value || "join" in value)

const isPlain = (value: unknown): value is string | number | boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"

/** The value of one variable, or why it is missing. */
const fill = (
  name: string,
  of: Variables[string],
  given: unknown
): Given | { readonly message: string } | undefined => {
  if (isReference(given)) return given
  if (isSecret(of)) {
    if (given !== undefined) return { message: `The contract says that ${name} is a secret. Use secret("${name}").` }
    const { generate } = of
    return { secret: of.secret ?? name, ...(generate === undefined ? {} : { generate }) }
  }
  const value = given ?? of.default
  if (value === undefined) {
    return of.isOptional
      ? undefined
      : { message: `The contract needs ${name}, and nothing sets it. It must be ${of.form}.` }
  }
  return isPlain(value) && of.read(String(value)) !== undefined
    ? value
    : { message: `The contract says that ${name} must be ${of.form}.` }
}

export const filled = ({ [contract]: { given, variables } }: EnvContract): Filled => {
  const env: Array<readonly [string, Given]> = []
  const problems: Array<Problem> = []
  for (const [name, of] of Object.entries(variables)) {
    const value = fill(name, of, Object.hasOwn(given, name) ? given[name] : undefined)
    if (typeof value === "object" && "message" in value) problems.push({ name, message: value.message })
    else if (value !== undefined) env.push([name, value])
  }
  for (const name of Object.keys(given).filter((each) => !Object.hasOwn(variables, each))) {
    problems.push({ name, message: `The contract has no variable ${name}. Add it to envOf, or leave it out here.` })
  }
  return { env: Object.fromEntries(env), problems }
}
