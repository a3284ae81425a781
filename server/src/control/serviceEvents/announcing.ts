import { SqlClient } from "@effect/sql/SqlClient"
import { AppName, OrganizationName, ServiceName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { namespaceKeyOf, Platform } from "../../runtimes/port/Platform.ts"
import { Runtime } from "../../runtimes/port/Runtime.ts"
import { announcedTypes, noticeOf } from "./noticeOf.ts"

/** Older events aren't announced: after a long outage, nobody needs them as if they were new. */
const freshMinutes = 10
/** How many events of an organization to announce in one step, so that the others' don't wait for long. */
const eventsAtOnce = 10
/** How many events to look through for them. Most kinds aren't announced. */
const lookedAtOnce = 1_000
/** So many organizations' events are announced at the same time: one with many services doesn't delay those of the others. */
const organizationsAtOnce = 4
/** What concerns a thousand services is announced on some of them: first on those that failed. */
const servicesOfEvent = 50

const decodeHeads = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({ id: OrganizationId, name: OrganizationName, upTo: Schema.NumberFromString, isMore: Schema.Boolean })
  )
)

/** Organizations that have events which weren't announced, with the number up to which this step goes. */
const heads = Effect.flatMap(SqlClient, (sql) =>
  Effect.map(
    sql`
      select h.organization_id as id, o.name, p."upTo"::text as "upTo", h.last > p."upTo" as "isMore"
      from event_heads h join organizations o on o.id = h.organization_id
      cross join lateral (
        select coalesce(
          (
            select e.sequence from events e
            where e.organization_id = h.organization_id and e.sequence > h.announced
              and e.sequence <= h.announced + ${lookedAtOnce} and ${sql.in("e.type", announcedTypes)}
            order by e.sequence offset ${eventsAtOnce - 1} limit 1
          ),
          least(h.last, h.announced + ${lookedAtOnce})
        ) as "upTo"
      ) p
      where h.last > h.announced`,
    decodeHeads
  )
)
type Head = Effect.Effect.Success<typeof heads>[number]

const decodeAnnounced = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      id: Schema.String,
      type: Schema.Literal(...announcedTypes),
      at: Schema.DateFromSelf,
      app: AppName,
      stage: StageName,
      service: ServiceName,
      number: Schema.NullOr(Schema.Int),
      state: Schema.NullOr(Schema.Literal("ready", "failed")),
      reason: Schema.NullOr(Schema.String),
      count: Schema.NullOr(Schema.Int),
      until: Schema.NullOr(Schema.DateFromSelf)
    })
  )
)

/** The services that these events concern: that of the event, those that its deployment changed or couldn't start, or the app's. */
const announcedOf = ({ id, upTo }: Head) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.map(
      sql`
        select e.id, e.type, e.at, e.app, e.stage, d.name as service, (e.data ->> 'number')::integer as number, d.state,
          d.reason, (e.data ->> 'count')::integer as count,
          (e.data ->> 'until')::timestamptz as until
        from event_heads h
        join events e on e.organization_id = h.organization_id and e.sequence > h.announced and e.sequence <= ${upTo}
        cross join lateral (
          select e.service as name, null as state, null as reason where e.service is not null
          union all (
            select s.name, s.state, coalesce(s.diagnosis ->> 'code', s.reason) from deployment_services s
            where e.type like 'deployment.%' and s.organization_id = e.organization_id
              and s.deployment_id = e.data ->> 'deployment' and s.state in ('ready', 'failed')
              and (s.state = 'failed' or s.action <> 'unchanged')
            order by s.state, s.position limit ${servicesOfEvent}
          )
          union all (
            select v.name, null, null from services v
            where e.type like 'app.%' and v.organization_id = e.organization_id and v.app = e.app and v.stage = e.stage
            order by v.name limit ${servicesOfEvent}
          )
        ) d
        where h.organization_id = ${id} and ${sql.in("e.type", announcedTypes)}
          and e.at > clock_timestamp() - ${freshMinutes} * interval '1 minute'
        order by e.sequence`,
      decodeAnnounced
    )
  )

/**
 * Announces an organization's new events on its services' objects. While the runtime is unavailable, the step is repeated later; what it
 * refuses is left out.
 */
const announceHead = (head: Head, onRefused: (message: string) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const platform = yield* Platform
    const { announce } = yield* Runtime
    if (announce === undefined) return
    for (const { app, service, stage, ...event } of yield* announcedOf(head)) {
      const key = { ...namespaceKeyOf({ organization: head, app, stage }, platform), service }
      yield* announce(key, noticeOf({ ...event, id: `${event.id}/${service}` })).pipe(
        Effect.catchIf(
          ({ reason }) => reason === "refused",
          ({ message }) => onRefused(message)
        )
      )
    }
    yield* sql`
      update event_heads set announced = greatest(announced, ${head.upTo}) where organization_id = ${head.id}`
  })

/** Announces what is new for the organizations that are ours. */
export const makeAnnouncing = (owns: (organizationId: string) => boolean) => {
  let warned = false
  /** Without the right, each event is refused: say so once. */
  const onRefused = (message: string) =>
    Effect.suspend(() => {
      if (warned) return Effect.void
      warned = true
      return Effect.logWarning(
        `An event of a service can't be shown in the cluster. Further ones aren't logged. ${message}`
      )
    })
  const step = Effect.gen(function* () {
    let failure: unknown
    const all = (yield* heads).filter(({ id }) => owns(id))
    yield* Effect.forEach(
      all,
      (head) =>
        announceHead(head, onRefused).pipe(
          Effect.catchAll((error) => {
            failure ??= error
            return Effect.void
          })
        ),
      { concurrency: organizationsAtOnce, discard: true }
    )
    if (failure !== undefined) return yield* Effect.fail(failure)
    return all.some(({ isMore }) => isMore)
  })
  return Effect.repeat(step, { while: (isMore) => isMore })
}
