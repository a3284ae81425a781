import { SqlClient } from "@effect/sql/SqlClient"
import { AppName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { isDue } from "../../../base/database/isDue.ts"
import { storableJson } from "../../../base/database/storable.ts"
import { shardOfSql } from "../../../base/replicas/shardOf.ts"
import { changedSettings } from "../diff/changedSettings.ts"
import type { PlatformKey } from "../manifests/PlatformKey.ts"
import type { StageManifests } from "../manifests/stageManifests.ts"
import { type Lease, longestWaitMs, type WorkQueue } from "../queue/WorkQueue.ts"
import type { StageRows } from "../stages/StageRows.ts"

/** Maximum number of stages in progress: users' deployments mustn't wait behind thousands. */
const batch = 20

/** How many platforms to remember: each joining or leaving node creates a new one. */
const remembered = 50

/** The pause after a failure: a minute, doubled each time, up to an hour. */
const firstRetrySeconds = 60
const longestRetrySeconds = 3_600

const decodeChosen = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ organization_id: OrganizationId, app: AppName, stage: StageName }))
)
const decodePlatforms = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ platform: Schema.Record({ key: Schema.String, value: Schema.Unknown }) }))
)

/** A pass's result for a stage. */
export const makeRolloutRows = ({ inStage, sql, write }: StageRows, current: Effect.Effect<PlatformKey>) => ({
  /** The stage matches the platform of these manifests, which were applied for the deployment `id`. */
  done: (lease: Lease, id: string, { digest, platformKey: key }: Pick<StageManifests, "digest" | "platformKey">) =>
    write(
      lease,
      Effect.zipRight(
        sql`
          update deployment_manifests set applied = ${digest}
          where organization_id = ${lease.key.organizationId} and deployment_id = ${id}
            and applied is distinct from ${digest}`,
        sql`
          update app_stages set platform_key = ${key}, rolled_out_at = clock_timestamp(), rollout_error = null,
            rollout_attempts = 0, rollout_due_at = '-infinity'
          where ${inStage(lease)} and platform_key is distinct from ${key}`
      )
    ),

  /** The attempt failed and will be retried later. */
  failed: (lease: Lease, message: string) =>
    Effect.flatMap(current, ({ key }) =>
      write(
        lease,
        sql`
          update app_stages set rollout_error = ${message}, rollout_attempts = rollout_attempts + 1,
            rollout_due_at = clock_timestamp()
              + least(${longestRetrySeconds}, ${firstRetrySeconds} * 2 ^ least(rollout_attempts, 10)) * interval '1 second'
          where ${inStage(lease)} and platform_key is distinct from ${key}`
      )
    )
})

export type RolloutRows = ReturnType<typeof makeRolloutRows>

/**
 * Brings every stage of the owned shards to this server's current platform, a few at a time, least recently rolled out first. The
 * progress is in the database, so another replica, or this one after a restart, continues it.
 */
export const makeRollout = (queue: WorkQueue, current: Effect.Effect<PlatformKey>) =>
  Effect.map(SqlClient, (sql) => {
    let announced: string | undefined

    /** Announces this server's platform to other servers and operators, and logs its changes: once for each platform. */
    const announce = Effect.gen(function* () {
      const { key, platform } = yield* current
      if (announced === key) return
      const [last] = decodePlatforms(
        yield* sql`select platform from platforms where key <> ${key} order by started_at desc limit 1`
      )
      yield* sql`
        insert into platforms (key, platform) values (${key}, ${storableJson(platform)}::jsonb)
        on conflict (key) do update set started_at = clock_timestamp()`
      yield* sql`
        delete from platforms where key in (
          select key from platforms order by started_at desc offset ${remembered})`
      // The person who restarts a server may have fixed the cause of earlier failures.
      yield* sql`
        update app_stages set rollout_due_at = '-infinity'
        where rollout_due_at <> '-infinity' and platform_key is distinct from ${key}`
      const [open] = yield* sql<{ stages: number }>`
        select count(*)::int as stages from app_stages
        where inventory <> '[]' and platform_key is distinct from ${key}`
      announced = key
      if (open === undefined || open.stages === 0) return
      yield* Effect.logInfo("Rolling out the platform's settings to all namespaces").pipe(
        Effect.annotateLogs({
          stages: open.stages,
          changed: last === undefined ? "everything" : changedSettings(last.platform, platform).join(", ")
        })
      )
    })

    const pending = (key: string, shards: ReadonlyArray<number>) => sql`
      a.inventory <> '[]' and a.platform_key is distinct from ${key}
      and ${shardOfSql(sql, "a.organization_id")} in (select jsonb_array_elements(${storableJson(shards)}::jsonb)::int)`
    /** A stage that waits after a failure isn't in progress: `rollout_due_at` says when to retry it. */
    const queued = sql`
      exists (
        select 1 from work_items w where w.organization_id = a.organization_id and w.key = a.app || '/' || a.stage
          and (w.lease_token is not null or ${isDue(sql, sql`w.available_at`, longestWaitMs)}))`

    /** Adds stages to the queue, up to a batch; returns how many are left, including those in progress. */
    const next = (shards: ReadonlyArray<number>) =>
      Effect.gen(function* () {
        yield* announce
        const { key } = yield* current
        const [{ left, underWay } = { left: 0, underWay: 0 }] = yield* sql<{ left: number; underWay: number }>`
          select count(*)::int as left, (count(*) filter (where ${queued}))::int as "underWay"
          from app_stages a where ${pending(key, shards)}`
        const room = batch - underWay
        if (left === 0 || room <= 0) return { added: 0, left }
        const chosen = decodeChosen(
          yield* sql`
            select a.organization_id, a.app, a.stage from app_stages a
            where ${pending(key, shards)} and ${isDue(sql, sql`a.rollout_due_at`, longestRetrySeconds * 1000)} and not ${queued}
            order by a.rollout_attempts, a.rolled_out_at nulls first, a.organization_id, a.app, a.stage limit ${room}`
        )
        yield* queue.add(
          chosen.map((each) => ({ organizationId: each.organization_id, app: each.app, stage: each.stage }))
        )
        return { added: chosen.length, left }
      })

    return { announce, next }
  })
