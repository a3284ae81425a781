import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"
import type { Lease } from "../queue/WorkQueue.ts"
import { endSuspension, longestMs } from "../suspension/suspensionRows.ts"
import type { StageBase } from "./stageBase.ts"

const decodeRests = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ ms: Schema.Number })))

/** Reads and ends the suspension of a lease's stage. */
export const suspensionOfStage = ({ inStage, sql, write }: StageBase) => {
  const endExpired = (lease: Lease) =>
    write(lease, endSuspension(lease.key, { onlyExpired: true })).pipe(Effect.provideService(SqlClient, sql))

  /** For how many milliseconds the stage is still suspended; undefined: it isn't. Ends what is over. */
  const suspendedMs = (lease: Lease) =>
    Effect.gen(function* () {
      const [rest] = decodeRests(
        yield* sql`
          select (extract(epoch from suspended_until - clock_timestamp()) * 1000)::float8 as ms from app_stages
          where ${inStage(lease)} and suspended_until is not null`
      )
      if (rest === undefined) return undefined
      if (rest.ms > longestMs) {
        yield* sql`
          update app_stages set suspended_until = clock_timestamp() + ${longestMs} * interval '1 millisecond'
          where ${inStage(lease)} and suspended_until > clock_timestamp() + ${longestMs} * interval '1 millisecond'`
      }
      if (rest.ms > 0) return Math.max(1, Math.min(rest.ms, longestMs))
      yield* endExpired(lease)
      return undefined
    })

  return { suspendedMs }
}
