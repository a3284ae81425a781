import { SqlClient } from "@effect/sql/SqlClient"
import { AppName, StageName } from "@maxcloud/config-schema"
import { DriftList, DriftRecord, NotFound } from "@maxcloud/sdk/api"
import { Effect, Layer, Schema } from "effect"
import { selectPage } from "../../base/database/paging.ts"
import { orUnavailable } from "../../base/database/sqlErrors.ts"
import { storableJson } from "../../base/database/storable.ts"
import { DriftLog } from "./DriftLog.ts"

const keptDays = 90

const Row = Schema.Struct({
  app: AppName,
  stage: StageName,
  api_version: Schema.String,
  kind: Schema.String,
  name: Schema.String,
  change: DriftRecord.fields.change,
  manager: Schema.NullOr(Schema.String),
  fields: DriftRecord.fields.fields,
  noticed_at: Schema.DateFromSelf,
  healed_at: Schema.NullOr(Schema.DateFromSelf)
})
const decodeRows = Schema.decodeUnknownSync(Schema.Array(Row))

/** Ids grow with each noticed drift. */
const sorts = { noticedAt: [["id", "integer"]] } as const

const readDrift = (rows: unknown) =>
  decodeRows(rows).map(
    ({ api_version, healed_at, noticed_at, ...row }): DriftRecord => ({
      ...row,
      apiVersion: api_version,
      noticedAt: noticed_at.toISOString(),
      healedAt: healed_at?.toISOString() ?? null
    })
  )

/** `DriftLog` in the table `drift`. */
export const layer = Layer.effect(
  DriftLog,
  Effect.gen(function* () {
    const sql = yield* SqlClient
    return {
      page: Effect.fn("DriftLog.page")(
        function* ({ app, organization, stage }, { change }, paging) {
          const known = yield* sql`
          select 1 from app_stages where organization_id = ${organization.id} and app = ${app} and stage = ${stage}`
          if (known.length === 0) {
            const detail = `There is no app "${app}" in the stage "${stage}".`
            return yield* new NotFound({ resource: "app", resourceName: app, detail })
          }
          return yield* selectPage(
            DriftList,
            sorts,
            paging,
            ({ isAfter, key, order }) => sql`
              select app, stage, api_version, kind, name, change, manager, fields, noticed_at, healed_at, ${key} from drift
              where organization_id = ${organization.id} and app = ${app} and stage = ${stage}
                and ${isAfter} and ${change === undefined ? sql`true` : sql`change = ${change}`} ${order}`,
            readDrift
          )
        },
        orUnavailable,
        Effect.provideService(SqlClient, sql)
      ),

      // The next check of the object, and other servers, report uncorrected drift again: it is stored once. But it gets a new id,
      // because it may be the same edit made again after a pass has read the object: that pass corrects up to an id.
      record: Effect.fn("DriftLog.record")(({ at, change, fields, key, manager, object }) => {
        const same = sql`organization_id = ${key.organizationId} and app = ${key.app} and stage = ${key.stage}
          and api_version = ${object.apiVersion} and kind = ${object.kind} and name = ${object.name}
          and change = ${change} and manager is not distinct from ${manager}::text
          and fields = ${storableJson(fields)}::jsonb`
        return sql`
          with old as (
            delete from drift where organization_id = ${key.organizationId} and app = ${key.app} and stage = ${key.stage}
              and noticed_at < ${at}::timestamptz - ${keptDays} * interval '1 day'
          ), again as (
            update drift set id = default where ${same} and healed_at is null returning id
          )
          insert into drift (organization_id, app, stage, api_version, kind, name, change, manager, fields, noticed_at)
          select ${key.organizationId}, ${key.app}, ${key.stage}, ${object.apiVersion}, ${object.kind}, ${object.name},
            ${change}, ${manager}, ${storableJson(fields)}::jsonb, ${at}
          where not exists (select 1 from again)
            -- A cluster may have namespaces of another installation's organizations.
            and exists (select 1 from organizations where id = ${key.organizationId})`.pipe(Effect.asVoid)
      }, orUnavailable),

      healed: Effect.fn("DriftLog.healed")(
        (organizationId, app, stage, at) =>
          sql`
            update drift set healed_at = greatest(clock_timestamp(), noticed_at)
            where organization_id = ${organizationId} and app = ${app} and stage = ${stage}
              and healed_at is null and noticed_at < ${at}`.pipe(Effect.asVoid),
        orUnavailable
      )
    }
  })
)
