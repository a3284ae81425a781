import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Layer, Stream } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { sweeping } from "../../base/database/sweeping.ts"
import { keepDoing } from "../../base/node/keepDoing.ts"
import { monotonicMillis } from "../../base/node/monotonic.ts"
import { Shards } from "../../base/replicas/Shards.ts"
import { freshMillis, type Happening } from "../../runtimes/port/Happening.ts"
import { Runtime, type ServiceKey } from "../../runtimes/port/Runtime.ts"
import { makeAnnouncing } from "./announcing.ts"
import { type GatherBounds, type Gathered, gather, makeGathering, putBack, takeDue, usualBounds } from "./gathering.ts"
import { recordDrift } from "./recordDrift.ts"
import { recordDue } from "./recordDue.ts"
import { recordHappenings } from "./recordHappenings.ts"
import { recordScale } from "./recordScale.ts"
import { SeenIds } from "./SeenIds.ts"

export interface ServiceEventsOptions {
  readonly bounds?: GatherBounds
  /** How often to look what is due. @default 1 second */
  readonly lookMs?: number
  /** How often to announce new events on the services' objects. @default 2 seconds */
  readonly announceMs?: number
}

const serviceOf = ({ app, organizationId, service, stage }: ServiceKey) =>
  `${organizationId}/${app}/${stage}/${service}`

/** Ids of reported happenings are kept as long as a runtime may report them again, and a while longer. */
const sweeper = sweeping(
  "ids of reported happenings",
  "10 minutes",
  Effect.flatMap(SqlClient, (sql) =>
    sql`delete from told_happenings where at < now() - ${6 * freshMillis} * interval '1 millisecond'`.pipe(
      Effect.asVoid
    )
  )
)

/**
 * Records what the runtime observes of services as events: the number of instances, restarts, evictions, pulls, and drift. Each
 * replica collects it, and the owner of the organization records it.
 */
const recorder = ({ announceMs = 2_000, bounds = usualBounds, lookMs = 1_000 }: ServiceEventsOptions) =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const runtime = yield* Runtime
      const shards = yield* Shards
      const happened = makeGathering<Happening>(bounds)
      const scaled = makeGathering<ServiceKey>({ ...bounds, most: 1 })
      const seen = new SeenIds()
      const owns = ({ organizationId }: ServiceKey) => shards.owns(organizationId)

      const add = (happening: Happening, nowMs: number) =>
        gather(happened, `${happening.type} ${serviceOf(happening.key)}`, happening.id, happening, nowMs)
      const addScaled = (key: ServiceKey, nowMs: number) => gather(scaled, serviceOf(key), "", key, nowMs)

      const listen = runtime.happenings.pipe(
        Stream.runForEach((happening) =>
          Effect.map(monotonicMillis, (now) => {
            if (seen.isNew(`${happening.key.organizationId} ${happening.id}`)) add(happening, now)
          })
        )
      )
      const follow = runtime.changes.pipe(
        Stream.runForEach((key) => Effect.map(monotonicMillis, (now) => addScaled(key, now)))
      )
      yield* keepDoing("observation of instances", "1 second", listen)
      yield* keepDoing("observation of services", "1 second", follow)

      const lookAtHappenings = Effect.gen(function* () {
        const due = takeDue(happened, yield* monotonicMillis, ({ key }) => owns(key))
        yield* recordDue(due, {
          organizationOf: ({ key }) => key.organizationId,
          record: recordHappenings,
          // The ids keep it from being recorded twice.
          again: (left) => Effect.map(monotonicMillis, (now) => putBack(happened, left, ({ id }) => id, now))
        })
      })
      const againScaled = (left: ReadonlyArray<Gathered<ServiceKey>>) =>
        Effect.map(monotonicMillis, (now) => putBack(scaled, left, () => "", now))
      const lookAtScales = Effect.gen(function* () {
        const due = takeDue(scaled, yield* monotonicMillis, owns)
        yield* recordDue(due, {
          organizationOf: ({ organizationId }) => organizationId,
          record: (reports) =>
            Effect.flatMap(recordScale(reports.flatMap(({ items }) => items)), (unread) =>
              againScaled(reports.filter(({ items }) => items.some((key) => unread.has(key))))
            ),
          again: againScaled
        })
      })
      yield* keepDoing("events of instances", lookMs, lookAtHappenings)
      yield* keepDoing("events of scaled services", lookMs, lookAtScales)
      if (runtime.announce !== undefined) {
        yield* keepDoing("events in the cluster", announceMs, makeAnnouncing(shards.owns))
      }
      yield* keepDoing("events of drift", bounds.firstMs, recordDrift)
    }).pipe(asServer)
  )

export const layer = (options: ServiceEventsOptions = {}) => Layer.merge(sweeper, recorder(options))
