import { amountIn, durationUnits } from "@maxcloud/config-schema"
import { type InvalidRequest, inParameters } from "@maxcloud/sdk/api"
import { Clock, Effect } from "effect"
import { invalidRequest } from "../../http/problems.ts"

/** Epoch milliseconds of an RFC 3339 time, or of a duration before now such as `10m`. */
export const instantOf = (written: string, parameter = "since"): Effect.Effect<number, InvalidRequest> =>
  Effect.gen(function* () {
    const before = written.includes(".") ? undefined : amountIn(durationUnits, written)
    if (before !== undefined) return Math.max(0, (yield* Clock.currentTimeMillis) - before)
    const instant = Date.parse(written)
    if (Number.isFinite(instant)) return instant
    const message = `"${written.slice(0, 50)}" isn't a valid time. Use a form like "2026-01-31T12:00:00Z", or a duration before now such as "10m".`
    return yield* invalidRequest(`${parameter}: ${message}`, inParameters([{ path: [parameter], message }], "query"))
  })

/** The same for an optional parameter. */
export const instantIf = (
  written: string | undefined,
  parameter = "since"
): Effect.Effect<number | undefined, InvalidRequest> =>
  written === undefined ? Effect.succeed(undefined) : instantOf(written, parameter)
