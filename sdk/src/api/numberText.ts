import { textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"

const notNumber = "This isn't a number. Write it in digits, such as 100."

/** A number in a query. */
export const NumberText = textUpTo(32, "The number").pipe(
  Schema.parseNumber,
  Schema.annotations({ message: () => notNumber })
)
