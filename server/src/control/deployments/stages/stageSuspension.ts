import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"
import { recordEvents } from "../../../tenancy/events/recordEvents.ts"
import type { Lease } from "../queue/WorkQueue.ts"
import { longestMs } from "../suspension/suspensionRows.ts"
import type { StageBase } from "./stageBase.ts"

const decodeRests = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ ms: Schema.Number })))
const decodeEnds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ until: Schema.DateFromSelf })))

/** Reads and ends the suspension of a lease's stage. */
export const suspensionOfStage = ({ inStage, sql, write }: StageBase) => {
  /** Ends a suspension whose time is over, and says so once. */
  const endExpired = (lease: Lease) =>
    write(
      lease,
      Effect.gen(function* () {
        const { app, organizationId, stage } = lease.key
        const ended = decodeEnds(
          yield* sql`
            with old as (select organization_id, app, stage, suspended_until from app_stages where ${inStage(lease)})
            update app_stages a set suspended_at = null, suspended_until = null, suspend_reason = null,
              suspended_by_type = null, suspended_by = null
            from old
            where a.organization_id = old.organization_id and a.app = old.app and a.stage = old.stage
              and a.suspended_until <= clock_timestamp() returning old.suspended_until as until`
        )
        yield* recordEvents(
          organizationId,
          ...ended.map(({ until }) => ({
            type: "app.suspension-ended" as const,
            subject: `apps/${app}/stages/${stage}`,
            data: { app, stage, until: until.toISOString() }
          }))
        )
      })
    ).pipe(Effect.provideService(SqlClient, sql))

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
