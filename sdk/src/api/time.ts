import { textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"

/** A point in time in an answer: RFC 3339 in UTC. */
export const Time = Schema.String.annotations({ jsonSchema: { type: "string", format: "date-time" } })

/** A point in time in a request: RFC 3339, or a duration before now such as `10m`. It means the same wherever it stands. */
export const TimeText = textUpTo(64, "The time")
  .pipe(
    Schema.pattern(/^(\d+(ms|s|m|h|d)|\d{4}-\d\d-\d\dT.+)$/, {
      message: () => 'Write a time as "2026-01-31T12:00:00Z", or as a duration before now such as "10m" or "24h".'
    })
  )
  .annotations({ description: "RFC 3339, or a duration before now such as `10m` (`ms`, `s`, `m`, `h`, `d`)." })
