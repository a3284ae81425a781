import { SqlClient } from "@effect/sql/SqlClient"
import type { EventData, EventType, OrganizationId, UserId } from "@maxcloud/sdk/api"
import { Effect, Predicate } from "effect"
import { newId } from "../../base/database/newId.ts"
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

/** Writes events in the open transaction. Readers see them once it's committed. */
export const recordEvents = (organizationId: OrganizationId, ...events: ReadonlyArray<NewEvent>) =>
  Effect.flatMap(SqlClient, (sql) =>
    events.length === 0
      ? Effect.void
      : sql`
          with added as (
            insert into events (organization_id, id, type, subject, app, stage, user_id, data)
            select ${organizationId}, e.id, e.type, e.subject, e.app, e.stage, e.user_id, e.data
            from jsonb_to_recordset(${storableJson(
              events.map(({ data, subject, type, userId }) => ({
                id: newId("evt"),
                type,
                subject,
                app: textAt(data, "app"),
                stage: textAt(data, "stage"),
                user_id: userId ?? null,
                data
              }))
            )}::jsonb) as e (id text, type text, subject text, app text, stage text, user_id text, data jsonb)
          )
          select pg_notify('maxcloud', ${`events ${organizationId}`})`.pipe(Effect.asVoid)
  )
