import type { SqlClient } from "@effect/sql/SqlClient"
import { AppName, SecretName, StageName } from "@maxcloud/config-schema"
import { Author, OrganizationId, SecretInfo, type SecretVersionInfo } from "@maxcloud/sdk/api"
import { Schema } from "effect"
import type { Place } from "../../base/keys/DataKeys.ts"
import type { SealedTable } from "./resealing.ts"
import type { SecretScope } from "./Secrets.ts"
import { SealedRow } from "./sealing.ts"

/**
 * Bound to its place: a sealed value doesn't open after it's moved to another organization, app, stage, name or version.
 */
export const placeOf = (scope: SecretScope, name: string, version: number): Place => [
  scope.organizationId,
  scope.app,
  scope.stage,
  name,
  version
]

export const within = (sql: SqlClient, scope: SecretScope) =>
  sql`organization_id = ${scope.organizationId} and app = ${scope.app} and stage = ${scope.stage}`

const SecretVersion = Schema.Struct({
  ...SealedRow.fields,
  organization_id: OrganizationId,
  app: AppName,
  stage: StageName,
  name: SecretName,
  version: Schema.Int
})

export const secretVersions: SealedTable<typeof SecretVersion.Type, typeof SecretVersion.Encoded> = {
  table: "secret_versions",
  row: SecretVersion,
  organizationOf: (each) => each.organization_id,
  placeOf: (each) =>
    placeOf({ organizationId: each.organization_id, app: each.app, stage: each.stage }, each.name, each.version)
}

const Info = Schema.Struct({ name: SecretInfo.fields.name, version: Schema.Int, updated_at: Schema.DateFromSelf })

export const decodeInfos = (rows: unknown): ReadonlyArray<SecretInfo> =>
  Schema.decodeUnknownSync(Schema.Array(Info))(rows).map((found) => ({
    name: found.name,
    version: found.version,
    updatedAt: found.updated_at.toISOString()
  }))

const Version = Schema.Struct({
  version: Schema.Int,
  created_at: Schema.DateFromSelf,
  createdBy: Schema.NullOr(Author),
  current: Schema.Boolean,
  deployments: Schema.Array(Schema.Int)
})

export const decodeVersions = (rows: unknown): ReadonlyArray<SecretVersionInfo> =>
  Schema.decodeUnknownSync(Schema.Array(Version))(rows).map((found) => ({
    version: found.version,
    createdAt: found.created_at.toISOString(),
    createdBy: found.createdBy,
    current: found.current,
    deployments: found.deployments
  }))

/** Condition for version `v`: the deployments of its stage that use it, from the newest successful one on. */
export const holders = (sql: SqlClient) => sql`
  select d.number from deployments d
  where d.organization_id = v.organization_id and d.app = v.app and d.stage = v.stage
    and (d.secret_versions ->> v.name)::int = v.version
    and d.number >= coalesce((
      select max(number) from deployments l
      where l.organization_id = v.organization_id and l.app = v.app and l.stage = v.stage
        and l.state = 'succeeded'
    ), 0)`

/** How many versions of a set secret to keep, even if no deployment uses them. */
const kept = 10

/** Condition for version `v`: no deployment uses it, and its secret isn't set, or has ten newer versions. */
export const unheld = (sql: SqlClient) => sql`
  not exists (
    select 1 from secrets s
    where s.organization_id = v.organization_id and s.app = v.app and s.stage = v.stage
      and s.name = v.name and s.is_set and v.version > s.version - ${kept}
  )
  and not exists (${holders(sql)})`
