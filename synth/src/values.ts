import { amountIn, bytesQuantity, cpuQuantity, shortUnits } from "@maxcloud/config-schema"
import { Option, ParseResult, Schema } from "effect"
import { quantityOf } from "./quantity.ts"

/** Codecs for values in a manifest. */
export const Texts = Schema.Array(Schema.String)
export const TextMap = Schema.Record({ key: Schema.String, value: Schema.String })

/** A text, or nothing. */
export const flag = (value: string) =>
  Schema.optionalToRequired(Schema.String, Schema.Boolean, {
    decode: Option.contains(value),
    encode: (is) => (is ? Option.some(value) : Option.none())
  })

/** A list that is omitted if it's empty. */
export const listed = <A, I>(item: Schema.Schema<A, I>) =>
  Schema.optionalToRequired(Schema.Array(item), Schema.Array(Schema.typeSchema(item)), {
    decode: Option.getOrElse(() => []),
    encode: Option.liftPredicate((found) => found.length > 0)
  })

/** Whole seconds, as milliseconds. */
export const Seconds = Schema.transform(Schema.Number, Schema.Number, {
  strict: true,
  decode: (seconds) => seconds * 1000,
  encode: (ms) => Math.round(ms / 1000)
})

/** The value of the field `key`; `missingMs` if it's missing. */
export const secondsAt = (key: string, missingMs: number) =>
  Schema.optionalWith(Seconds, { default: () => missingMs }).pipe(Schema.fromKey(key))

/** A Go duration of one unit (`90s`) in milliseconds. Written in seconds. */
export const GoDuration = Schema.transformOrFail(Schema.String, Schema.Number, {
  strict: true,
  decode: (written, _, ast) => {
    const amount = amountIn(shortUnits, written)
    return amount === undefined
      ? ParseResult.fail(new ParseResult.Type(ast, written, `"${written}" isn't a valid duration`))
      : ParseResult.succeed(amount)
  },
  encode: (ms) => ParseResult.succeed(`${Math.round(ms / 1000)}s`)
})

/** A Kubernetes quantity in `unit`s of its base unit. */
const quantity = (unit: number, write: (amount: number) => string) =>
  Schema.transformOrFail(Schema.Union(Schema.String, Schema.Number), Schema.Number, {
    strict: true,
    decode: (written, _, ast) =>
      Option.match(quantityOf(written), {
        onNone: () => ParseResult.fail(new ParseResult.Type(ast, written, `"${written}" isn't a valid quantity`)),
        onSome: (amount) => ParseResult.succeed(Math.round(amount / unit))
      }),
    encode: (amount) => ParseResult.succeed(write(amount))
  })

export const MilliCpu = quantity(1e-3, cpuQuantity)

export const Bytes = quantity(1, bytesQuantity)
