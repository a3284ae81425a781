import { SqlClient } from "@effect/sql/SqlClient"
import { ServiceName } from "@maxcloud/config-schema"
import { Effect, Schema } from "effect"
import type { WorkKey } from "../queue/WorkQueue.ts"

/** The inputs of manifests in the rows of an app and stage, besides the deployment, which never changes. */
export const StageContext = Schema.Struct({
  paused: Schema.Array(ServiceName),
  /** When services were last restarted, by name. Pairs keep their order in the database, keys of an object don't. */
  restarted: Schema.Array(Schema.Tuple(ServiceName, Schema.String)),
  pullSecret: Schema.Boolean
})
export type StageContext = typeof StageContext.Type

const decodeContexts = Schema.decodeUnknownSync(Schema.Tuple(StageContext))

/** The current inputs. A service that is being deleted has none: if it returns, it's a different one. */
export const stageContext = ({ app, organizationId, stage }: Pick<WorkKey, "organizationId" | "app" | "stage">) =>
  Effect.flatMap(SqlClient, (sql) => {
    const inStage = sql`organization_id = ${organizationId} and app = ${app} and stage = ${stage} and not deleting`
    return sql`
      select
        (select coalesce(json_agg(name order by name), '[]') from services where ${inStage} and paused) as paused,
        (select coalesce(json_agg(json_build_array(
            name, to_char(restarted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) order by name), '[]')
          from services where ${inStage} and restarted_at is not null) as restarted,
        exists (select 1 from registry_credentials where organization_id = ${organizationId}) as "pullSecret"`
  }).pipe(Effect.map((rows): StageContext => decodeContexts(rows)[0]))

/** As parts of the tenant that manifests are created for. */
export const contextFields = ({ paused, pullSecret, restarted }: StageContext) => ({
  pausedServices: new Set(paused),
  restarts: new Map(restarted),
  pullSecret
})
