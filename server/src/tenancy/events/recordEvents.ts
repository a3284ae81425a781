import { SqlClient } from "@effect/sql/SqlClient"
import {
  type EventData,
  EventId,
  type EventType,
  eventKinds,
  type OrganizationId,
  type UserId
} from "@maxcloud/sdk/api"
import { Effect, Predicate } from "effect"
import { newId } from "../../base/database/newId.ts"
import { notifying } from "../../base/database/notifying.ts"
import { storableJson } from "../../base/database/storable.ts"

/** An event that has just happened. `userId`: the person that it's about. It's deleted with the account. */
export type NewEvent = {
  readonly [T in EventType]: {
    readonly type: T
    readonly subject: string
    readonly data: EventData<T>
    readonly userId?: UserId
  }
}[EventType]

const textAt = (data: object, name: string) => {
  const value = Predicate.hasProperty(data, name) ? data[name] : undefined
  return typeof value === "string" ? value : null
}

/** The name of the service that it's about, by which readers can filter. `name` alone may be a secret's. */
const serviceOf = (data: object) => ("service" in data || "objectKind" in data ? textAt(data, "name") : null)

const rowOf = ({ data, subject, type, userId }: NewEvent) => ({
  id: EventId.make(newId("evt")),
  type,
  subject,
  app: textAt(data, "app"),
  stage: textAt(data, "stage"),
  service: serviceOf(data),
  user_id: userId ?? null,
  frequent: eventKinds[type].frequent === true,
  data
})

const insert = (organizationId: OrganizationId, rows: ReadonlyArray<ReturnType<typeof rowOf>>) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
      with added as (
        insert into events (organization_id, id, type, subject, app, stage, service, user_id, frequent, data)
        select ${organizationId}, e.id, e.type, e.subject, e.app, e.stage, e.service, e.user_id, e.frequent, e.data
        from jsonb_to_recordset(${storableJson(rows)}::jsonb)
          as e (id text, type text, subject text, app text, stage text, service text, user_id text, frequent boolean, data jsonb)
      )
      select ${notifying(sql, `events ${organizationId}`)}`
  )

/** Writes events in the open transaction. Readers see them soon after it is committed: see `EventNumbering`. */
export const recordEvents = (organizationId: OrganizationId, ...events: ReadonlyArray<NewEvent>) =>
  events.length === 0 ? Effect.void : Effect.asVoid(insert(organizationId, events.map(rowOf)))

/** The same for several organizations, with one statement for each: the caller may hold locks. */
export const recordEventsOf = (events: ReadonlyArray<readonly [OrganizationId, NewEvent]>) =>
  Effect.forEach(
    Map.groupBy(events, ([organizationId]) => organizationId),
    ([organizationId, all]) => recordEvents(organizationId, ...all.map(([, event]) => event)),
    { discard: true }
  )

/** The same for one event, for a writer that needs its id. */
export const recordEvent = (organizationId: OrganizationId, event: NewEvent) => {
  const row = rowOf(event)
  return Effect.as(insert(organizationId, [row]), row.id)
}
