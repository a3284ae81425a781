import { Schema } from "effect"

/** A point in time in an answer: RFC 3339 in UTC. */
export const Time = Schema.String.annotations({ jsonSchema: { type: "string", format: "date-time" } })
