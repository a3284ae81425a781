import { textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"

/** A number in a query. */
export const NumberText = textUpTo(32, "The number").pipe(Schema.parseNumber)
