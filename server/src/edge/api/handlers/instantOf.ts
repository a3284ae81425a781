import { type InvalidRequest, inParameters } from "@maxcloud/sdk/api"
import { Clock, Effect } from "effect"
import { invalidRequest } from "../../http/problems.ts"

const milliseconds = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const isUnit = (unit: string | undefined): unit is keyof typeof milliseconds =>
  unit !== undefined && unit in milliseconds

/** Epoch milliseconds of an RFC 3339 time, or of a duration before now such as `10m`. */
export const instantOf = (written: string, parameter = "since"): Effect.Effect<number, InvalidRequest> =>
  Effect.gen(function* () {
    const [, amount, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(written) ?? []
    if (isUnit(unit)) return Math.max(0, (yield* Clock.currentTimeMillis) - Number(amount) * milliseconds[unit])
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
