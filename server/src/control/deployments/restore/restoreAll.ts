import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"
import { monotonicMillis } from "../../../base/node/monotonic.ts"
import type { Restore, RestoreProgress } from "./Restore.ts"

/** How often to look at the progress, and how long it may stand still: no server may run, or a service can't start. */
const look = { everyMs: 1_000, stillMs: 10 * 60_000 }

/** Lets the servers check every stage of every app, and restore what the runtime has lost. Safe to repeat. */
export const restoreAll = Effect.gen(function* () {
  const sql = yield* SqlClient
  const rows = yield* sql`
    insert into work_items (organization_id, key, available_at)
    select organization_id, app || '/' || stage, clock_timestamp() from app_stages where inventory <> '[]'
    order by organization_id, app, stage
    on conflict (organization_id, key) do update set
      version = work_items.version + 1, available_at = least(work_items.available_at, excluded.available_at)
    returning 1`
  const restore: Restore = { stages: rows.length }
  return restore
})

const decodeProgress = Schema.decodeUnknownSync(
  Schema.Tuple(Schema.Struct({ stages: Schema.Int, services: Schema.Int }))
)

const restoreProgress = Effect.gen(function* () {
  const sql = yield* SqlClient
  const [progress] = decodeProgress(
    yield* sql`
      select
        (select count(*)::int from work_items w
          join app_stages a on a.organization_id = w.organization_id and a.app || '/' || a.stage = w.key
          where a.inventory <> '[]' and (w.available_at <= clock_timestamp() or w.lease_token is not null)) as stages,
        (select count(*)::int from services where status ->> 'state' = 'restoring' and not deleting) as services`
  )
  return progress
})

/** `restoreAll`, and reports each change of its progress until it's over or stands still. */
export const followRestore = (
  tell: (progress: RestoreProgress) => void,
  { everyMs = look.everyMs, stillMs = look.stillMs }: Partial<typeof look> = {}
) =>
  Effect.gen(function* () {
    const { stages } = yield* restoreAll
    let last: RestoreProgress | undefined
    let since = yield* monotonicMillis
    for (;;) {
      const left = yield* restoreProgress
      const now = yield* monotonicMillis
      if (left.stages !== last?.stages || left.services !== last.services) {
        tell(left)
        last = left
        since = now
      }
      const restore: Restore = { stages, left }
      if (left.stages + left.services === 0 || now - since > stillMs) return restore
      yield* Effect.sleep(everyMs)
    }
  })
