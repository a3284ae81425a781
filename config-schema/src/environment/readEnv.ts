import { type EnvContract, secretNameOf, type ValueOf, type Variables, variablesOf } from "./envOf.ts"
import type { Variable } from "./variables.ts"

/** The values of a contract's variables, by name. */
export type EnvOf<C> = C extends EnvContract<infer V> ? Values<V> : never

/** A variable that is missing or malformed. */
export interface EnvProblem {
  readonly name: string
  /** The problem, and the required form. Never the value. */
  readonly problem: string
}

/** The environment doesn't match the contract. The message lists every missing or malformed variable, without values. */
export class EnvInvalid extends Error {
  override readonly name = "EnvInvalid"
  readonly problems: ReadonlyArray<EnvProblem>

  constructor(problems: ReadonlyArray<EnvProblem>) {
    const width = Math.max(...problems.map(({ name }) => name.length))
    const lines = problems.map(({ name, problem }) => `  ${name.padEnd(width)}  ${problem}`)
    super(`The environment doesn't match this program's contract:\n${lines.join("\n")}`)
    this.problems = problems
  }
}

const missing = (name: string, of: Variables[string]): string => {
  const secret = secretNameOf(name, of)
  if (secret !== undefined) return `is missing. Set the secret: maxcloud secrets set ${secret}`
  return `is missing. It must be ${"form" in of ? of.form : "set"}.`
}

const valueOf = (of: Variables[string], text: string | undefined): unknown => {
  if (!("read" in of)) return text
  return text === undefined ? of.default : of.read(text)
}

const mayLack = (of: Variables[string]): of is Variable<unknown> => "read" in of && of.isOptional

type Source = Readonly<Record<string, string | undefined>>

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

/** `process.env` of Node, Bun and Deno, without depending on their types. */
const ownEnvironment = (): Source => {
  const host: unknown = Reflect.get(globalThis, "process")
  const env: unknown = isObject(host) ? Reflect.get(host, "env") : undefined
  return isObject(env) ? Object.fromEntries(Object.entries(env)) : {}
}

type Values<V extends Variables> = { readonly [Name in keyof V]: ValueOf<V[Name]> }

const hasAll = <V extends Variables>(values: object, contract: EnvContract<V>): values is Values<V> =>
  Object.keys(variablesOf(contract)).every((name) => Object.hasOwn(values, name))

/**
 * Reads the environment that the contract describes, with its types. Call it once, when the program starts. Throws `EnvInvalid`, which lists every
 * missing or malformed variable at once and never shows a value.
 */
export const readEnv = <V extends Variables>(
  contract: EnvContract<V>,
  /** @default the process's own */
  source: Source = ownEnvironment()
): Values<V> => {
  const values = new Map<string, unknown>()
  const problems: Array<EnvProblem> = []
  for (const [name, of] of Object.entries<Variables[string]>(variablesOf(contract))) {
    const text = Object.hasOwn(source, name) ? source[name] : undefined
    const value = valueOf(of, text)
    if (value !== undefined || (text === undefined && mayLack(of))) values.set(name, value)
    else if (text === undefined) problems.push({ name, problem: missing(name, of) })
    else problems.push({ name, problem: `isn't ${"form" in of ? of.form : "a text"}.` })
  }
  const found = Object.fromEntries(values)
  if (problems.length > 0 || !hasAll(found, contract)) throw new EnvInvalid(problems)
  return found
}
