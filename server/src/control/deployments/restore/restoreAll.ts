import { SqlClient } from "@effect/sql/SqlClient"
import { Effect } from "effect"
import type { Restore } from "./Restore.ts"

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
