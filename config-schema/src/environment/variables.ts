import { reference, type Secret, type SecretOptions } from "../references.ts"

/** A variable of a contract: the form of its text, and the program's value. Created by `string`, `number`, `boolean`, `oneOf` or `url`. */
export interface Variable<out Value> {
  /** The completion of "isn't …": `a number from 1 to 10`. */
  readonly form: string
  /** The value if nobody sets the variable. */
  readonly default?: Value
  /** Whether the program can run without it. */
  readonly isOptional: boolean
  /** Parses a text; undefined if it doesn't have the form. */
  readonly read: (text: string) => Value | undefined
}

/** A secret of a contract, with the variable's name. */
export interface OwnSecret extends SecretOptions {
  readonly secret?: never
  readonly isSecret: true
}

export interface WithDefault<Value> {
  /** The value if nobody sets the variable. The config puts it into the environment, so that every language gets it. @default none, so somebody must set it */
  readonly default?: Value
}

const variable = <Value>(
  form: string,
  options: WithDefault<Value>,
  read: (text: string) => Value | undefined
): Variable<Value> => ({
  form,
  isOptional: false,
  read,
  ...(options.default === undefined ? {} : { default: options.default })
})

/** A secret of the same app and stage, set with `maxcloud secrets set NAME`. */
export function secret(name: string, options?: SecretOptions): Secret
/** A secret with the variable's name. Only in `envOf`. */
export function secret(options?: SecretOptions): OwnSecret
export function secret(named: string | SecretOptions = {}, options: SecretOptions = {}): Secret | OwnSecret {
  const { generate } = typeof named === "string" ? options : named
  const fields = generate === undefined ? {} : { generate }
  if (typeof named !== "string") return { isSecret: true, ...fields }
  return reference({ secret: named, ...fields }, `secret("${named}")`)
}

/** Any text, including an empty one. */
export const string = (options: WithDefault<string> = {}): Variable<string> =>
  variable("a text", options, (text) => text)

export interface NumberOptions extends WithDefault<number> {
  /** @default any */
  readonly min?: number
  /** @default any */
  readonly max?: number
  /** Whether to allow only whole numbers. @default false */
  readonly integer?: boolean
}

const decimal = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i

const rangeOf = ({ max, min }: NumberOptions): string => {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`
  if (min !== undefined) return ` of ${min} or more`
  return max === undefined ? "" : ` of ${max} or less`
}

/** A decimal number such as `5`, `0.5` or `1e3`. */
export const number = (options: NumberOptions = {}): Variable<number> => {
  const { integer = false, max = Number.MAX_VALUE, min = -Number.MAX_VALUE } = options
  return variable(`a ${integer ? "whole " : ""}number${rangeOf(options)}`, options, (text) => {
    const value = decimal.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max && (!integer || Number.isSafeInteger(value)) ? value : undefined
  })
}

/** Only `true` or `false`. */
export const boolean = (options: WithDefault<boolean> = {}): Variable<boolean> =>
  variable('"true" or "false"', options, (text) => (text === "true" ? true : text === "false" ? false : undefined))

/** One of these texts: `oneOf("fast", "safe")`, or with a default `oneOf(["fast", "safe"], { default: "safe" })`. */
export function oneOf<const Values extends readonly [string, ...Array<string>]>(
  ...values: Values
): Variable<Values[number]>
export function oneOf<const Values extends readonly [string, ...Array<string>]>(
  values: Values,
  options: WithDefault<Values[number]>
): Variable<Values[number]>
export function oneOf(
  first: string | ReadonlyArray<string>,
  second: string | WithDefault<string> = {},
  ...more: ReadonlyArray<string>
): Variable<string> {
  const values = typeof first !== "string" ? first : typeof second === "string" ? [first, second, ...more] : [first]
  const form = `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`
  return variable(form, typeof second === "string" ? {} : second, (text) => (values.includes(text) ? text : undefined))
}

/** A URL with its scheme, such as `https://example.com/path`. The program gets it as a text. */
export const url = (options: WithDefault<string> = {}): Variable<string> =>
  variable("a URL with its scheme, such as https://example.com", options, (text) =>
    URL.canParse(text) ? text : undefined
  )

/** An optional variable. If it's missing, its value is `undefined`. */
export const optional = <Value>(of: Variable<Value>): Variable<Value | undefined> => ({ ...of, isOptional: true })
