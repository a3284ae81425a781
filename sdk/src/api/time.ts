import { textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"

/** A time in a response: RFC 3339 in UTC. */
export const Time = Schema.String.annotations({ jsonSchema: { type: "string", format: "date-time" } })

/** A time in a request: RFC 3339, or a duration before now such as `10m`. */
export const TimeText = textUpTo(64, "The time")
  .pipe(
    Schema.pattern(/^(\d+(ms|s|m|h|d)|\d{4}-\d\d-\d\dT.+)$/, {
      message: () => 'Use a time such as "2026-01-31T12:00:00Z", or a duration before now such as "10m" or "24h".'
    })
  )
  .annotations({ description: "RFC 3339, or a duration before now such as `10m` (`ms`, `s`, `m`, `h`, `d`)." })
