import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { AppName, OrganizationName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Data, Effect, Schema } from "effect"
import { isDue } from "../../../base/database/isDue.ts"
import { type HolderName, LeaseHolder } from "../../../base/database/LeaseHolder.ts"
import { newId } from "../../../base/database/newId.ts"
import { storableJson } from "../../../base/database/storable.ts"
import { backoffMs } from "../../../base/node/backoff.ts"
import { monotonicMillis } from "../../../base/node/monotonic.ts"
import { shardOfSql } from "../../../base/replicas/shardOf.ts"

/** The subject of work: one app and stage of an organization. At most one worker has it at a time. */
export interface WorkKey {
  readonly organizationId: OrganizationId
  readonly organization: OrganizationName
  readonly app: AppName
  readonly stage: StageName
}

/** A worker's lease on a key, until it expires. Writes that must not conflict with another holder check it with `fence`. */
export interface Lease {
  readonly key: WorkKey
  readonly token: string
  readonly attempts: number
  /** `monotonicMillis` before it was taken. */
  readonly since: number
  readonly holder: HolderName | undefined
}

/** The lease expired and another worker may have the key: writes of its former holder are refused. */
export class LeaseLost extends Data.TaggedError("LeaseLost")<{ readonly key: WorkKey }> {}

/** `done`: no more work until the key is added again. `retry`: check again after `afterMs`; `failed` increases that each time. */
export type Outcome =
  | { readonly _tag: "done" }
  | { readonly _tag: "retry"; readonly afterMs: number; readonly failed: boolean }

const Claimed = Schema.Array(
  Schema.Struct({
    organization_id: OrganizationId,
    organization: OrganizationName,
    app: AppName,
    stage: StageName,
    lease_token: Schema.String,
    attempts: Schema.Int
  })
)

const nameOf = (key: Pick<WorkKey, "app" | "stage">) => `${key.app}/${key.stage}`

/** The pause between attempts of work that keeps failing, or that others keep changing. */
export const longestBackoffMs = 60_000
/** The maximum of a lease or a wait. A time further ahead is from before the database's clock was set back. */
export const longestWaitMs = 2 * longestBackoffMs

/** Between 1 and 2 times 200 ms, doubled with each attempt, up to a minute. */
const pauseMs = (attempts: number) =>
  backoffMs({ baseMs: 200, maxMs: longestBackoffMs }, attempts) * (1 + Math.random())

const leaseUntil = (sql: SqlClient, leaseMs: number) =>
  sql`clock_timestamp() + ${Math.min(leaseMs, longestWaitMs)} * interval '1 millisecond'`
const nextAt = (sql: SqlClient) => sql`case when lease_token is null then available_at else lease_until end`
const due = (sql: SqlClient) => isDue(sql, nextAt(sql), longestWaitMs)

const held = (sql: SqlClient, { key, token }: Lease) =>
  sql`organization_id = ${key.organizationId} and key = ${nameOf(key)} and lease_token = ${token}
    and lease_until > clock_timestamp()`

const inShards = (sql: SqlClient, shards: ReadonlyArray<number>) =>
  sql`${shardOfSql(sql, "organization_id")} in (select jsonb_array_elements(${storableJson(shards)}::jsonb)::int)`

const add = (
  sql: SqlClient,
  keys: ReadonlyArray<Pick<WorkKey, "organizationId" | "app" | "stage">>,
  afterMs: number
) =>
  keys.length === 0
    ? Effect.void
    : sql`
        insert into work_items (organization_id, key, available_at)
        select organization_id, key, clock_timestamp() + ${Math.min(afterMs, longestWaitMs)} * interval '1 millisecond'
        from jsonb_to_recordset(${storableJson(
          keys.map((key) => ({ organization_id: key.organizationId, key: nameOf(key) }))
        )}::jsonb) as given (organization_id text, key text)
        group by organization_id, key order by organization_id, key
        on conflict (organization_id, key) do update set
          version = work_items.version + 1,
          available_at = least(work_items.available_at, excluded.available_at)`.pipe(Effect.asVoid)

const claim = (
  sql: SqlClient,
  leaseMs: number,
  holder: HolderName | undefined,
  limit: number,
  shards: ReadonlyArray<number>
) =>
  Effect.flatMap(monotonicMillis, (since) =>
    sql`
    with due as (
      select organization_id, key from work_items
      where ${due(sql)}
        and ${inShards(sql, shards)}
      order by (organization_id, key) in (
        select d.organization_id, d.app || '/' || d.stage from deployments d where d.finished_at is null
      ) desc, available_at limit ${limit} for update skip locked
    )
    update work_items w
    set lease_token = ${newId("lease")} || w.key, lease_until = ${leaseUntil(sql, leaseMs)},
      lease_holder = ${holder?.id ?? null}, claimed_version = w.version, available_at = 'infinity'
    from due, organizations o
    where w.organization_id = due.organization_id and w.key = due.key and o.id = w.organization_id
    returning w.organization_id, o.name as organization, split_part(w.key, '/', 1) as app,
      split_part(w.key, '/', 2) as stage, w.lease_token, w.attempts`.pipe(
      Effect.map((rows) =>
        Schema.decodeUnknownSync(Claimed)(rows).map(
          (found): Lease => ({
            key: {
              organizationId: found.organization_id,
              organization: found.organization,
              app: found.app,
              stage: found.stage
            },
            token: found.lease_token,
            attempts: found.attempts,
            since,
            holder
          })
        )
      )
    )
  )

const nextInMs = (sql: SqlClient, shards: ReadonlyArray<number>) =>
  sql<{ ms: number | null }>`
    select (extract(epoch from min(case when ${due(sql)} then clock_timestamp() else ${nextAt(sql)} end)
      - clock_timestamp()) * 1000)::float8 as ms from work_items where ${inShards(sql, shards)}`.pipe(
    Effect.map((rows) => rows[0]?.ms ?? undefined)
  )

/** `written`: a query for the lease's row, which finds none if the lease is lost. */
const orLost = (lease: Lease, written: Effect.Effect<ReadonlyArray<unknown>, SqlError>) =>
  written.pipe(
    Effect.filterOrFail(
      (rows) => rows.length > 0,
      () => new LeaseLost({ key: lease.key })
    ),
    Effect.asVoid
  )

const finish = (sql: SqlClient, lease: Lease, outcome: Outcome) =>
  (outcome._tag === "done"
    ? sql`
        with gone as (
          delete from work_items where ${held(sql, lease)} and version = claimed_version returning 1
        )
        update work_items set lease_token = null, lease_until = null, lease_holder = null, attempts = 0
        where ${held(sql, lease)} and not exists (select 1 from gone)`
    : sql`
        update work_items set lease_token = null, lease_until = null, lease_holder = null,
          attempts = ${outcome.failed ? lease.attempts + 1 : 0},
          available_at = least(available_at, clock_timestamp() + ${Math.min(
            longestWaitMs,
            outcome.failed ? Math.max(outcome.afterMs, pauseMs(lease.attempts)) : outcome.afterMs
          )} * interval '1 millisecond')
        where ${held(sql, lease)}`
  ).pipe(Effect.asVoid)

const release = (sql: SqlClient, leases: ReadonlyArray<Lease>) =>
  leases.length === 0
    ? Effect.void
    : sql`update work_items set lease_token = null, lease_until = null, lease_holder = null,
          available_at = clock_timestamp()
        where lease_token in ${sql.in(leases.map((lease) => lease.token))}`.pipe(Effect.asVoid)

/** A set of keys to work on, in the database. If a key is added while a worker has it, it is worked on again. */
export const makeWorkQueue = ({ leaseMs = 30_000 }: { readonly leaseMs?: number } = {}) =>
  Effect.map(Effect.all([SqlClient, LeaseHolder]), ([sql, { current }]) => ({
    /** How long a lease lasts without being renewed. */
    leaseMs,

    /** Adds keys. Waiting keys become due at once, or after `afterMs` if that is sooner. */
    add: (keys: ReadonlyArray<Pick<WorkKey, "organizationId" | "app" | "stage">>, afterMs = 0) =>
      add(sql, keys, afterMs),

    /**
     * Leases up to `limit` due keys of organizations in these shards: first those with a deployment in progress, which people wait
     * for, even if thousands of apps are restored or checked.
     */
    claim: (limit: number, shards: ReadonlyArray<number>) =>
      Effect.suspend(() => claim(sql, leaseMs, current(), limit, shards)),

    /** Milliseconds until the next key of these shards is due, if any waits. */
    nextInMs: (shards: ReadonlyArray<number>) => nextInMs(sql, shards),

    renew: (lease: Lease) =>
      orLost(
        lease,
        sql`update work_items set lease_until = ${leaseUntil(sql, leaseMs)} where ${held(sql, lease)} returning 1`
      ),

    /** Inside a transaction: fails if the lease is lost, and otherwise keeps it until the transaction ends. */
    fence: (lease: Lease) => orLost(lease, sql`select 1 from work_items where ${held(sql, lease)} for update`),

    /** Ends a lease. A key that was added meanwhile is due at once. */
    finish: (lease: Lease, outcome: Outcome) => finish(sql, lease, outcome),

    /** Returns leases, so that another worker can take them at once. */
    release: (leases: ReadonlyArray<Lease>) => release(sql, leases)
  }))

export type WorkQueue = Effect.Effect.Success<ReturnType<typeof makeWorkQueue>>
