import { textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"

/** Decimal digits: JavaScript would also take `0x10`, `1e2`, `1.0` and spaces for numbers. */
const digits = /^-?\d{1,32}$/

/** A whole number in a query or a path. */
export const integerText = (
  minimum: number,
  maximum: number,
  message = () => `Use a whole number from ${minimum} to ${maximum}.`
) =>
  textUpTo(32, "The number")
    .pipe(Schema.pattern(digits, { message }), Schema.parseNumber, Schema.int({ message }))
    .pipe(Schema.between(minimum, maximum, { message }))
    .annotations({ jsonSchema: { type: "integer", minimum, maximum } })

/** `true` or `false` in a query. */
export const BooleanText = Schema.BooleanFromString.annotations({ jsonSchema: { type: "boolean" } })
