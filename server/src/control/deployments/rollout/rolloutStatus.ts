import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"
import { changedSettings } from "../diff/changedSettings.ts"
import { type Rollout, RolloutState, type StageRollout } from "./RolloutState.ts"

const decodePlatforms = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      key: Schema.String,
      platform: Schema.Record({ key: Schema.String, value: Schema.Unknown }),
      started_at: Schema.DateFromSelf
    })
  )
)
const decodeStages = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      organization: Schema.String,
      app: Schema.String,
      stage: Schema.String,
      state: RolloutState,
      message: Schema.NullOr(Schema.String),
      at: Schema.NullOr(Schema.DateFromSelf)
    })
  )
)
const decodeCounts = Schema.decodeUnknown(Schema.Array(Schema.Struct({ state: RolloutState, count: Schema.Int })))

const stateOf = (sql: SqlClient, key: string | undefined) => sql`
  case when a.platform_key = ${key ?? ""} then 'done' when a.rollout_error is not null then 'failed' else 'pending' end`

const newestPlatforms = (sql: SqlClient) =>
  Effect.map(sql`select key, platform, started_at from platforms order by started_at desc limit 2`, (rows) =>
    decodePlatforms(rows)
  )

export const rolloutStatus = Effect.gen(function* () {
  const sql = yield* SqlClient
  const [newest, before] = yield* newestPlatforms(sql)
  const stages = decodeStages(
    yield* sql`
      select o.name as organization, a.app, a.stage, ${stateOf(sql, newest?.key)} as state,
        case when a.platform_key = ${newest?.key ?? ""} then null else a.rollout_error end as message,
        a.rolled_out_at as at
      from app_stages a join organizations o on o.id = a.organization_id
      where a.inventory <> '[]' order by o.name, a.app, a.stage`
  ).map((decodeStage): StageRollout => ({ ...decodeStage, at: decodeStage.at?.toISOString() ?? null }))
  const count = (state: RolloutState) => stages.filter((stage) => stage.state === state).length
  return {
    platform:
      newest === undefined
        ? null
        : {
            key: newest.key,
            startedAt: newest.started_at.toISOString(),
            changed: before === undefined ? [] : changedSettings(before.platform, newest.platform)
          },
    counts: { pending: count("pending"), done: count("done"), failed: count("failed") },
    stages
  } satisfies Rollout
})

/** How many stages are in each state. */
export const rolloutCounts = Effect.gen(function* () {
  const sql = yield* SqlClient
  const [newest] = yield* newestPlatforms(sql)
  const rows = yield* sql`
    select ${stateOf(sql, newest?.key)} as state, count(*)::int as count from app_stages a
    where a.inventory <> '[]' group by 1`
  return yield* decodeCounts(rows)
})
