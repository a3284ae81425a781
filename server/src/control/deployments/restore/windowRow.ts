import type { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { isDue } from "../../../base/database/isDue.ts"
import { asServer } from "../../../base/database/RowScope.ts"

export interface WindowTimes {
  /** When another server, or this one after a crash, closes a window. */
  readonly leaseMs: number
  /** From the start of a service until its revision has its first instance. */
  readonly quietMs: number
  /** After this long, deployments wait for a window instead of a window for deployments. */
  readonly patienceMs: number
}

/** The row that all servers share. */
export const makeWindowRow = (sql: SqlClient, { leaseMs, patienceMs, quietMs }: WindowTimes) => {
  const ms = (millis: number) => sql`${millis} * interval '1 millisecond'`
  const now = sql`clock_timestamp()`
  // A time ahead of the clock is from before the clock was set back.
  const recent = (column: "started_at" | "wanted_since", millis: number) =>
    sql`${sql(column)} between ${now} - ${ms(millis)} and ${now}`
  /** A window has waited for long enough, but not so long that whoever wanted it must be dead. */
  const isUrgent = sql`(${recent("wanted_since", leaseMs)} and not ${recent("wanted_since", patienceMs)})`
  const isOver = isDue(sql, sql`open_until`, leaseMs)
  const isHeld = (token: string) => sql`is_open and token = ${token} and not ${isOver}`
  const happened = <E, R>(statement: Effect.Effect<ReadonlyArray<unknown>, E, R>) =>
    asServer(Effect.map(statement, (rows) => rows.length > 0))
  /** One statement, so that its lock of the row decides between a window and a start. */
  const mayStart = sql`update restore_window set started_at = ${now} where not is_open and not ${isUrgent} returning 1`
  return {
    /** Whether the window is now this token's. No deployment that was admitted may still be in progress. */
    open: (token: string) =>
      happened(sql`
        update restore_window set is_open = true, open_until = ${now} + ${ms(leaseMs)}, token = ${token},
          scale_known = false, scale_before = null
        where not is_open and not ${recent("started_at", quietMs)}
          and not exists (select 1 from deployments where admitted_at is not null and finished_at is null)
        returning 1`),
    /** Stores the value to restore later. False if this token no longer holds the window. */
    know: (token: string, before: string | null) =>
      happened(sql`
        update restore_window set scale_known = true, scale_before = ${before} where ${isHeld(token)} returning 1`),
    isHeld: (token: string) => happened(sql`select 1 from restore_window where ${isHeld(token)}`),
    closed: (token: string) =>
      asServer(sql`
        update restore_window set is_open = false, open_until = '-infinity', wanted_since = '-infinity', token = null,
          scale_known = false, scale_before = null
        where token = ${token}`),
    want: asServer(sql`update restore_window set wanted_since = ${now} where not ${recent("wanted_since", leaseMs)}`),
    mayStart: happened(mayStart),
    /** Whether the deployment may be applied. Once it may, no window opens until it has finished. */
    admit: (organizationId: OrganizationId, id: string) =>
      happened(sql`
        with started as (${mayStart})
        update deployments set admitted_at = coalesce(admitted_at, ${now})
        where organization_id = ${organizationId} and id = ${id}
          and (admitted_at is not null or exists (select 1 from started))
        returning 1`),
    /** A window whose server is gone. */
    left: asServer(
      sql<{ token: string; scale_known: boolean; scale_before: string | null }>`
        select token, scale_known, scale_before from restore_window
        where is_open and ${isOver}`
    )
  }
}
