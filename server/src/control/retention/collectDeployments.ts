import { SqlClient } from "@effect/sql/SqlClient"
import { AppName, StageName } from "@maxcloud/config-schema"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { transaction } from "../../base/database/sqlErrors.ts"
import { unheld } from "../../stores/secrets/secretRows.ts"
import { keptNewest } from "./Retention.ts"

export interface Collected {
  readonly deployments: number
  /** How many transactions it needed. */
  readonly batches: number
}

const decodeStages = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ app: AppName, stage: StageName })))
const decodeIds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String })))

/** Children first. */
const tables = ["deployment_events", "deployment_services", "deployment_manifests", "deployments"] as const

/**
 * Deletes deployments that ended `days` days ago, except the newest 20 of each app and stage, the newest successful one, and
 * those that gave a service its current state. Secret versions used only by these are deleted too. A batch is one transaction,
 * which locks the row of one app and stage, as accepting a deployment does.
 */
export const collectDeployments = (organizationId: OrganizationId, days: number, batch = 100) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const cutoff = sql`now() - ${days} * interval '1 day'`

    /** Deployments `d` of app and stage `a`, found through an index on the time of acceptance. */
    const collectable = sql`
      d.organization_id = ${organizationId} and d.created_at < ${cutoff} and d.finished_at < ${cutoff}
      and d.number <= a.last_number - ${keptNewest}
      and (d.state <> 'succeeded' or exists (
        select 1 from deployments l
        where l.organization_id = d.organization_id and l.app = d.app and l.stage = d.stage
          and l.number > d.number and l.state = 'succeeded'))
      and not exists (
        select 1 from services s
        where s.organization_id = d.organization_id and s.app = d.app and s.stage = d.stage
          and s.deployment_number = d.number)`
    const joined = sql`
      deployments d join app_stages a on a.organization_id = d.organization_id and a.app = d.app and a.stage = d.stage`

    const next = Effect.map(
      sql`select d.app, d.stage from ${joined} where ${collectable} order by d.created_at limit 1`,
      (rows) => decodeStages(rows)[0]
    )

    const collectSome = ({ app, stage }: ReturnType<typeof decodeStages>[number]) =>
      transaction(
        Effect.gen(function* () {
          const within = sql`organization_id = ${organizationId} and app = ${app} and stage = ${stage}`
          yield* sql`select 1 from app_stages where ${within} for update`
          const ids = decodeIds(
            yield* sql`
              select d.id from ${joined} where ${collectable} and d.app = ${app} and d.stage = ${stage}
              order by d.number limit ${batch}`
          ).map((decodeId) => decodeId.id)
          if (ids.length === 0) return 0
          for (const table of tables) {
            const column = sql.literal(table === "deployments" ? "id" : "deployment_id")
            yield* sql`delete from ${sql(table)} where organization_id = ${organizationId} and ${column} in ${sql.in(ids)}`
          }
          yield* sql`delete from secret_versions v where ${within} and ${unheld(sql)}`
          return ids.length
        })
      )

    let deployments = 0
    let batches = 0
    for (;;) {
      const stage = yield* next
      if (stage === undefined) return { deployments, batches } satisfies Collected
      let collected = batch
      while (collected === batch) {
        collected = yield* collectSome(stage)
        deployments += collected
        batches++
        // Let other users of the database go first.
        yield* Effect.yieldNow()
      }
    }
  })
