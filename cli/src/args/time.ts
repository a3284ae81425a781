import { TimeText } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { UsageError } from "../errors/failure.ts"

const isTime = Schema.is(TimeText)

/** Parses a duration before now such as `24h`, or an RFC 3339 time, as the API accepts them. */
export const parseTime = (flag: string, written: string | undefined): Effect.Effect<string | undefined, UsageError> =>
  written === undefined || isTime(written)
    ? Effect.succeed(written)
    : new UsageError({
        message: `"${written}" isn't a valid time for ${flag}`,
        fix: "use a form like 10m, 2h, 1d or 2026-01-31T12:00:00Z"
      })
