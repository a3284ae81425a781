import { SqlClient } from "@effect/sql/SqlClient"
import { AppName, ServiceName, StageName } from "@maxcloud/config-schema"
import { OrganizationId, ServiceId } from "@maxcloud/sdk/api"
import { Effect, Option, Schema } from "effect"
import { storableJson } from "../../base/database/storable.ts"
import { storeEach } from "../../base/database/storeEach.ts"
import { Runtime, type ServiceKey } from "../../runtimes/port/Runtime.ts"
import { type NewEvent, recordEventsOf } from "../../tenancy/events/recordEvents.ts"

/** How long after a report that a service has as many instances as it may the next one can follow. */
const fullMinutes = 10

/** A service's number of instances. `fullRevision`: has as many as its `scale.max`, or null. */
interface Scale {
  readonly key: ServiceKey
  readonly instances: number
  readonly revision: string | null
  /** The revision with the most instances, and how many. A new revision starts while the former one still runs. */
  readonly largest: { readonly name: string; readonly instances: number } | undefined
}

const scaleOf = (key: ServiceKey) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const status = yield* runtime.status(key)
    if (Option.isNone(status)) return Option.none<Scale>()
    const { instances, latestReadyRevision } = status.value
    const [largest] = [...(instances > 1 ? yield* runtime.revisions(key) : [])].sort(
      (a, b) => b.instances - a.instances
    )
    return Option.some<Scale>({ key, instances, revision: latestReadyRevision, largest })
  }).pipe(
    Effect.catchTag("RuntimeError", ({ reason }) => (reason === "unavailable" ? Effect.fail(key) : Effect.succeedNone))
  )

const decodeScaled = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      organization_id: OrganizationId,
      id: ServiceId,
      app: AppName,
      stage: StageName,
      name: ServiceName,
      revision: Schema.NullOr(Schema.String),
      was: Schema.Int,
      instances: Schema.Int,
      largest: Schema.NullOr(Schema.String),
      is_full: Schema.Boolean,
      max: Schema.Int
    })
  )
)

type Scaled = ReturnType<typeof decodeScaled>[number]

const eventsOf = (row: Scaled): ReadonlyArray<NewEvent> => {
  const { app, id, instances, is_full, largest, max, name, revision, stage, was } = row
  const subject = `services/${id}`
  const common = { app, stage, service: id, name }
  return [
    { type: "service.scaled", subject, data: { ...common, revision, from: was, to: instances } },
    ...(is_full && largest !== null
      ? [
          {
            type: "service.throttled" as const,
            subject,
            data: { ...common, revision: largest, reason: "MaxInstances" as const, limit: max }
          }
        ]
      : [])
  ]
}

const rowOf = ({ instances, key, largest, revision }: Scale) => ({
  organization_id: key.organizationId,
  app: key.app,
  stage: key.stage,
  name: key.service,
  instances,
  revision,
  largest: largest?.name ?? null,
  most: largest?.instances ?? 0
})

/**
 * Records services whose number of instances differs from the last one told, in the statement that changes it: two servers tell it
 * once.
 */
const write = (scales: ReadonlyArray<Scale>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = decodeScaled(
      yield* sql`
        with found as (
          select s.organization_id, s.id, s.told_instances as was, k.instances, k.revision, k.largest,
            (s.spec #>> '{scale,max}')::integer as max,
            k.instances > s.told_instances
              and k.most >= (s.spec #>> '{scale,max}')::integer
              and (s.spec #>> '{scale,max}')::integer > greatest(1, (s.spec #>> '{scale,min}')::integer)
              and s.told_full_at not between clock_timestamp() - ${fullMinutes} * interval '1 minute' and clock_timestamp() as is_full
          from jsonb_to_recordset(${storableJson(scales.map(rowOf))}::jsonb)
            as k (organization_id text, app text, stage text, name text, instances integer, revision text, largest text, most integer)
          join services s on s.organization_id = k.organization_id and s.app = k.app and s.stage = k.stage and s.name = k.name
          where s.told_instances <> k.instances
          order by s.organization_id, s.app, s.stage, s.name for no key update of s
        )
        update services s set told_instances = f.instances,
          told_full_at = case when f.is_full then clock_timestamp() else s.told_full_at end
        from found f where s.organization_id = f.organization_id and s.id = f.id
        returning s.organization_id, s.id, s.app, s.stage, s.name, f.revision, f.was, f.instances, f.largest, f.is_full, f.max`
    )
    yield* recordEventsOf(rows.flatMap((row) => eventsOf(row).map((event) => [row.organization_id, event] as const)))
  })

/**
 * Reads how many instances these services have, and records what has changed since the last event. Returns those that the runtime
 * couldn't read now: it doesn't report the same change again.
 */
export const recordScale = (keys: ReadonlyArray<ServiceKey>) =>
  Effect.gen(function* () {
    const [unread, scales] = yield* Effect.partition(keys, scaleOf, { concurrency: 16 })
    yield* storeEach(
      scales.flatMap(Option.toArray),
      write,
      ({ key }) => `the instances of ${key.organizationId}/${key.app}/${key.stage}/${key.service}`
    )
    return new Set(unread)
  })
