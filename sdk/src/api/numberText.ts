import { textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"

const notNumber = "This isn't a number. Use digits, such as 100."

const NumberText = textUpTo(32, "The number").pipe(Schema.parseNumber, Schema.annotations({ message: () => notNumber }))

/** A whole number in a query. */
export const integerText = (minimum: number, maximum: number) => {
  const message = () => `Use a whole number from ${minimum} to ${maximum}.`
  return NumberText.pipe(Schema.int({ message }), Schema.between(minimum, maximum, { message })).annotations({
    jsonSchema: { type: "integer", minimum, maximum }
  })
}

/** `true` or `false` in a query. */
export const BooleanText = Schema.BooleanFromString.annotations({ jsonSchema: { type: "boolean" } })
