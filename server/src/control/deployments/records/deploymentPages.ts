import { SqlClient } from "@effect/sql/SqlClient"
import type { AppName, StageName } from "@maxcloud/config-schema"
import { AppStageList, DeploymentList, type DeploymentState, NotFound } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { selectPage } from "../../../base/database/paging.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import type { Target } from "../../../base/words/Target.ts"
import { withEmails } from "../../../tenancy/access/authors.ts"
import { deploymentColumns, readDeployments } from "./deploymentRows.ts"

export const noApp = (app: AppName, stage: StageName) =>
  new NotFound({ detail: `There is no app "${app}" in the stage "${stage}".`, resource: "app", resourceName: app })

const deploymentSorts = { number: [["d.number", "integer"]] } as const

/** A page of the deployments of an app and stage. */
export const pageOfDeployments = (
  { app, organization, stage }: Target,
  { state }: { readonly state?: DeploymentState | undefined },
  paging: ReturnType<typeof DeploymentList.pagingOf>
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const ofStage = sql`d.organization_id = ${organization.id} and d.app = ${app} and d.stage = ${stage}`
    const known = yield* sql`select 1 from deployments d where ${ofStage} limit 1`
    if (known.length === 0) return yield* noApp(app, stage)
    const { items, next } = yield* selectPage(
      DeploymentList,
      deploymentSorts,
      paging,
      ({ isAfter, key, order }) => sql`
        select ${deploymentColumns(sql)}, ${key} from deployments d
        where ${ofStage} and ${isAfter} and ${state === undefined ? sql`true` : sql`d.state = ${state}`} ${order}`,
      readDeployments
    )
    return { items: yield* withEmails(items), next }
  })

const appSorts = {
  app: [
    ["d.app", "text"],
    ["d.stage", "text"]
  ]
} as const

const decodeCounts = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ count: Schema.Int })))

const readApps = (rows: ReadonlyArray<object>) => {
  const counts = decodeCounts(rows)
  return readDeployments(rows).map((deployment, index) => ({
    app: deployment.app,
    stage: deployment.stage,
    services: counts[index]?.count ?? 0,
    deployment
  }))
}

/** A page of the apps and stages that have a service or an unfinished deployment, each with its newest deployment. */
export const pageOfApps = (
  organization: Organization,
  { app, stage }: { readonly app?: AppName | undefined; readonly stage?: StageName | undefined },
  paging: ReturnType<typeof AppStageList.pagingOf>
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const services = sql`
      from services s where s.organization_id = d.organization_id and s.app = d.app and s.stage = d.stage and not s.deleting`
    const { items, next } = yield* selectPage(
      AppStageList,
      appSorts,
      paging,
      ({ isAfter, key, order }) => sql`
        select ${deploymentColumns(sql)}, (select count(*)::int ${services}) as count, ${key}
        from app_stages a join deployments d on d.organization_id = a.organization_id and d.app = a.app
          and d.stage = a.stage and d.number = a.last_number
        where ${sql.and([
          sql`a.organization_id = ${organization.id}`,
          sql`(d.finished_at is null or exists (select 1 ${services}))`,
          isAfter,
          ...(app === undefined ? [] : [sql`a.app = ${app}`]),
          ...(stage === undefined ? [] : [sql`a.stage = ${stage}`])
        ])} ${order}`,
      readApps
    )
    const deployments = yield* withEmails(items.map(({ deployment }) => deployment))
    return { items: items.map((each, index) => ({ ...each, deployment: deployments[index] ?? each.deployment })), next }
  })
