import { SqlClient } from "@effect/sql/SqlClient"
import { CloudEvent, type OrganizationId, placeOfScope } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { storableJson } from "../../base/database/storable.ts"
import type { EventQuery } from "./Events.ts"

const Row = Schema.Struct({
  id: CloudEvent.fields.id,
  sequence: Schema.String,
  type: Schema.String,
  subject: Schema.String,
  data: CloudEvent.fields.data,
  at: Schema.DateFromSelf
})
const decodeRows = Schema.decodeUnknownSync(Schema.Array(Row))

/** An event as clients and webhooks get it. */
export const cloudEventOf = (organizationId: OrganizationId, { at, ...rest }: typeof Row.Type): CloudEvent => ({
  specversion: "1.0",
  source: `/organizations/${organizationId}`,
  time: at.toISOString(),
  datacontenttype: "application/json",
  ...rest
})

export const decodeEventRows = decodeRows

/** The numbers to read: after `after`, and no further than `upTo`. */
interface Span {
  readonly after: number
  readonly upTo: number
  readonly limit: number
}

export const readEvents = (
  organizationId: OrganizationId,
  { app, scopes, since, stage, types }: EventQuery,
  { after, limit, upTo }: Span
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    if (types.length === 0) return []
    const conditions = [
      sql`e.organization_id = ${organizationId} and e.sequence > ${after} and e.sequence <= ${upTo}`,
      sql.in("e.type", types),
      ...(app === undefined ? [] : [sql`e.app = ${app}`]),
      ...(stage === undefined ? [] : [sql`e.stage = ${stage}`]),
      ...(since === undefined ? [] : [sql`e.at >= ${new Date(since)}`]),
      ...(scopes === undefined
        ? []
        : [
            sql`exists (
              select 1 from jsonb_to_recordset(${storableJson(scopes.map(placeOfScope))}::jsonb) as s (app text, stage text)
              where s.app = e.app and (s.stage = '*' or s.stage = e.stage))`
          ])
    ]
    const rows = yield* sql`
      select e.id, e.sequence::text as sequence, e.type, e.subject, e.data, e.at from events e
      where ${sql.and(conditions)} order by e.sequence limit ${limit}`
    return decodeRows(rows).map((row) => cloudEventOf(organizationId, row))
  })
