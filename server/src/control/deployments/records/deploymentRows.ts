import { SqlClient } from "@effect/sql/SqlClient"
import { SpecIssue } from "@maxcloud/config-schema"
import {
  Deployment,
  DeploymentEvent,
  type DeploymentId,
  DeploymentStatus,
  inSpec,
  type OrganizationId,
  ProblemError
} from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { notifying } from "../../../base/database/notifying.ts"
import { storableJson } from "../../../base/database/storable.ts"
import { authorColumn, withEmails } from "../../../tenancy/access/authors.ts"
import { shownState } from "./pausedServices.ts"
import { recordDeploymentEvents } from "./recordDeploymentEvents.ts"

const Instant = Schema.NullOr(Schema.DateFromSelf)
const {
  createdAt: _created,
  finishedAt: _finished,
  startedAt: _started,
  message: _message,
  status: _status,
  ...plain
} = Deployment.fields
/** Deployments of earlier builds have warnings with a `path`. */
const Row = Schema.Struct({
  ...plain,
  ...DeploymentStatus.fields,
  warnings: Schema.Array(Schema.Union(ProblemError, SpecIssue)),
  user_message: Deployment.fields.message,
  created_at: Schema.DateFromSelf,
  started_at: Instant,
  finished_at: Instant
})

const decodeRows = Schema.decodeUnknownSync(Schema.Array(Row))
const EventRow = Schema.Struct({
  id: DeploymentEvent.fields.id,
  type: DeploymentEvent.fields.type,
  service: DeploymentEvent.fields.service,
  reason: Schema.String,
  message: Schema.String,
  at: Schema.DateFromSelf
})
const decodeEvents = Schema.decodeUnknownSync(Schema.Array(EventRow))

const text = (at: Date | null) => at?.toISOString() ?? null

/** The columns of deployments `d` with their services, in one statement. */
export const deploymentColumns = (sql: SqlClient) => sql`
      d.id, d.app, d.stage, d.number, d.kind, d.from_number as "fromDeployment", d.user_message, d.metadata,
        ${authorColumn(sql, "d")}, d.state, d.reason, d.message, d.warnings, d.created_at, d.started_at,
        d.finished_at, (
          select coalesce(json_agg(json_build_object(
            'name', s.name, 'action', s.action, 'state', ${shownState(sql)}, 'revision', s.revision, 'image', p.image, 'url', s.url,
            'reason', s.reason, 'message', s.message, 'logTail', s.log_tail, 'diagnosis', '{"certain": false}'::jsonb || s.diagnosis) order by s.position), '[]')
          from deployment_services s left join (
            select e ->> 'name' as name, d.images -> (e ->> 'image') ->> 'reference' as image
            from json_array_elements(d.spec -> 'services') e where d.images <> '{}'
          ) p on p.name = s.name
          where s.organization_id = d.organization_id and s.deployment_id = d.id
        ) as services`

/** Without people's email addresses: see `withEmails`. */
export const readDeployments = (rows: unknown) =>
  decodeRows(rows).map(
    ({ created_at, finished_at, message, reason, started_at, state, user_message, warnings, ...row }) => ({
      ...row,
      message: user_message,
      status: { state, reason, message },
      warnings: warnings.flatMap((each) => ("detail" in each ? [each] : inSpec([each]))),
      createdAt: created_at.toISOString(),
      startedAt: text(started_at),
      finishedAt: text(finished_at)
    })
  )

export const findDeployment = (organizationId: OrganizationId, id: string) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
      select ${deploymentColumns(sql)} from deployments d
      where d.organization_id = ${organizationId} and d.id = ${id}`
  ).pipe(
    Effect.flatMap((rows) => withEmails(readDeployments(rows))),
    Effect.map((found) => found[0])
  )

export interface NewEvent extends Pick<DeploymentEvent, "type"> {
  readonly reason: string
  /** Empty or null: the reason is enough. */
  readonly message: string | null
  readonly service?: string
}

/**
 * Appends to a deployment's events, inside the transaction that locks its app's row, so that their numbers have no gaps or
 * duplicates.
 */
export const appendEvents = (organizationId: OrganizationId, deploymentId: string, events: ReadonlyArray<NewEvent>) =>
  Effect.flatMap(SqlClient, (sql) =>
    events.length === 0
      ? Effect.void
      : sql`
          with base as (
            select coalesce(max(id), 0) as last from deployment_events
            where organization_id = ${organizationId} and deployment_id = ${deploymentId}
          ), added as (
            insert into deployment_events (organization_id, deployment_id, id, type, service, reason, message)
            select ${organizationId}, ${deploymentId}, base.last + e.position, e.event ->> 'type', e.event ->> 'service',
              e.event ->> 'reason', coalesce(e.event ->> 'message', '')
            from base, jsonb_array_elements(${storableJson(events)}::jsonb) with ordinality as e (event, position)
          )
          select ${notifying(sql, `deployment ${deploymentId}`)}`.pipe(
          Effect.zipRight(recordDeploymentEvents(organizationId, deploymentId, events))
        )
  )

/**
 * The events after `afterId`. The current deployment is included with `finished`, and with the last of the `service` events read
 * together: with each of them, an app of hundreds of services would be sent hundreds of times.
 */
export const readEvents = (organizationId: OrganizationId, id: DeploymentId, afterId: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = decodeEvents(
      yield* sql`
        select id, at, type, service, reason, message from deployment_events
        where organization_id = ${organizationId} and deployment_id = ${id} and id > ${afterId} order by id`
    )
    const last = rows.findLast((row) => row.type === "service")?.id
    const carries = (row: typeof EventRow.Type) => row.type === "finished" || row.id === last
    const deployment = rows.some(carries) ? ((yield* findDeployment(organizationId, id)) ?? null) : null
    return rows.map(
      (row): DeploymentEvent => ({ ...row, at: row.at.toISOString(), deployment: carries(row) ? deployment : null })
    )
  })
