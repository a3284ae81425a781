import { SqlClient } from "@effect/sql/SqlClient"
import { CloudEvent, EventList, type OrganizationId, placeOfScope } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { selectPage } from "../../base/database/paging.ts"
import { storableJson } from "../../base/database/storable.ts"
import type { EventQuery } from "./Events.ts"
import { settledSequence } from "./settledSequence.ts"

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

/** The numbers to read: after `after`, and up to `upTo`. */
interface Span {
  readonly after: number
  readonly upTo: number
  readonly limit: number
}

const columns = "e.id, e.sequence::text as sequence, e.type, e.subject, e.data, e.at"

/** The organization's rows `e` up to the number `upTo` that match the query. */
const selected = (
  sql: SqlClient,
  organizationId: OrganizationId,
  { after, app, scopes, service, since, stage, types }: EventQuery,
  upTo: number
) =>
  sql.and([
    sql`e.organization_id = ${organizationId} and e.sequence > ${after ?? 0} and e.sequence <= ${upTo}`,
    types.length === 0 ? sql`false` : sql.in("e.type", types),
    ...(app === undefined ? [] : [sql`e.app = ${app}`]),
    ...(stage === undefined ? [] : [sql`e.stage = ${stage}`]),
    ...(service === undefined ? [] : [sql`e.service = ${service}`]),
    ...(since === undefined ? [] : [sql`e.at >= ${new Date(since)}`]),
    ...(scopes === undefined
      ? []
      : [
          sql`exists (
            select 1 from jsonb_to_recordset(${storableJson(scopes.map(placeOfScope))}::jsonb) as s (app text, stage text)
            where s.app = e.app and (s.stage = '*' or s.stage = e.stage))`
        ])
  ])

export const readEvents = (organizationId: OrganizationId, query: EventQuery, { after, limit, upTo }: Span) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = yield* sql`
      select ${sql.literal(columns)} from events e
      where ${selected(sql, organizationId, { ...query, after }, upTo)} order by e.sequence limit ${limit}`
    return decodeRows(rows).map((row) => cloudEventOf(organizationId, row))
  })

export const pageOfEvents = (
  organizationId: OrganizationId,
  query: EventQuery,
  paging: ReturnType<typeof EventList.pagingOf>
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const upTo = yield* settledSequence(organizationId)
    return yield* selectPage(
      EventList,
      { sequence: [["e.sequence", "integer"]] },
      paging,
      ({ isAfter, key, order }) => sql`
        select ${sql.literal(columns)}, ${key} from events e
        where ${selected(sql, organizationId, query, upTo)} and ${isAfter} ${order}`,
      (rows) => decodeRows(rows).map((row) => cloudEventOf(organizationId, row))
    )
  })
