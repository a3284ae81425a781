import { SqlClient } from "@effect/sql/SqlClient"
import { AppName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Chunk, Duration, Effect, FiberSet, Layer, Option, Queue, Schedule, Schema, Stream } from "effect"
import { Notifications } from "../../base/database/Notifications.ts"
import { asOrganization, asServer } from "../../base/database/RowScope.ts"
import { storableJson } from "../../base/database/storable.ts"
import { Shards } from "../../base/replicas/Shards.ts"
import { type Drift, Runtime, type ServiceKey } from "../../runtimes/port/Runtime.ts"
import { DriftLog } from "../drift/DriftLog.ts"
import { keptMillis, PassedDrift } from "../drift/PassedDrift.ts"
import { currentPlatformKey } from "./PlatformKey.ts"
import { makeReconcile } from "./reconcile.ts"
import { type Observed, recordStatuses } from "./recordStatuses.ts"
import { makeRollout } from "./rollout.ts"
import type { Lease, WorkQueue } from "./WorkQueue.ts"

export interface ReconcilerOptions {
  /** Passes at a time. @default 4 */
  readonly workers?: number
  /** How long the services of a deployment may take to become ready. @default 600_000 */
  readonly progressDeadlineMs?: number
  /** How soon to look again at what still becomes ready, without a wake-up. @default 5_000 */
  readonly resyncMs?: number
}

/** How long a lease lasts, and how often it is renewed. */
export const leaseMs = 30_000
const renewMs = 10_000
/** How often the queue is looked at without a wake-up. */
const lookMs = 5_000
/** How often in ten minutes an object is put right as soon as it is seen. */
const healedAtOnce = 5
/** How long changes are gathered. Of a large app more come at once, and looking at it costs more. */
const gatherMs = (services: number) => 20 + Math.min(services, 1_000)

const decodeApps = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ organization_id: OrganizationId, app: AppName, stage: StageName, services: Schema.Int }))
)

/** Takes work from the queue, and lets the runtime's changes add to it. At its end leases are given back. */
export const layer = (queue: WorkQueue, options: ReconcilerOptions = {}) =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const { progressDeadlineMs = 600_000, resyncMs = 5_000, workers = 4 } = options
      const sql = yield* SqlClient
      const runtime = yield* Runtime
      const notifications = yield* Notifications
      const shards = yield* Shards
      const drifts = yield* DriftLog
      const platform = yield* currentPlatformKey
      const rollout = yield* makeRollout(queue, platform)
      const passes = yield* Queue.sliding<void>(1)
      const reconcile = yield* makeReconcile({ progressDeadlineMs, queue, resyncMs })
      const wake = yield* Queue.sliding<void>(1)
      const held = new Map<string, Lease>()
      const passed = new PassedDrift()

      yield* Effect.addFinalizer(() => Effect.ignore(queue.release([...held.values()])))
      const fibers = yield* FiberSet.make<void>()

      const renewing = (lease: Lease) =>
        queue.renew(lease).pipe(
          Effect.delay(Duration.millis(renewMs)),
          Effect.forever,
          Effect.catchTag("LeaseLost", () => Effect.succeed(undefined)),
          // The database is away: the lease ends by itself, and so may the pass.
          Effect.catchTag("SqlError", () => Effect.never)
        )

      const work = (lease: Lease) =>
        Effect.raceFirst(reconcile(lease), renewing(lease)).pipe(
          Effect.flatMap((outcome) => (outcome === undefined ? Effect.void : queue.finish(lease, outcome))),
          Effect.tapError((error) =>
            error._tag === "LeaseLost" ? Effect.void : Effect.logWarning("a pass was cut off", error)
          ),
          // The database said no or was away: the lease is given back if it can be, or else expires.
          Effect.catchAll(() => Effect.ignore(queue.finish(lease, { _tag: "retry", afterMs: 1_000, failed: true }))),
          Effect.catchAllDefect((defect) =>
            Effect.logError("a pass broke", defect).pipe(
              Effect.andThen(Effect.ignore(queue.finish(lease, { _tag: "retry", afterMs: 1_000, failed: true })))
            )
          ),
          Effect.tap(Effect.sync(() => held.delete(lease.token))),
          Effect.ensuring(Effect.all([Queue.offer(wake, undefined), Queue.offer(passes, undefined)])),
          asOrganization(lease.key.organizationId),
          Effect.annotateLogs({ organization: lease.key.organization, app: lease.key.app, stage: lease.key.stage })
        )

      const dispatch = Effect.gen(function* () {
        const free = workers - held.size
        if (free > 0) {
          // Not to be interrupted between a lease and its record, or it could not be given back.
          yield* Effect.uninterruptible(
            Effect.gen(function* () {
              for (const lease of yield* queue.claim(free, shards.owned())) {
                held.set(lease.token, lease)
                yield* FiberSet.run(fibers, Effect.interruptible(work(lease)))
              }
            })
          )
        }
        const next = held.size < workers ? yield* queue.nextInMs(shards.owned()) : undefined
        yield* Effect.timeoutOption(Queue.take(wake), Duration.millis(Math.max(1, Math.min(next ?? lookMs, lookMs))))
      }).pipe(
        Effect.catchAll((error) =>
          Effect.logWarning("the queue cannot be read", error.cause).pipe(Effect.andThen(Effect.sleep("1 second")))
        ),
        Effect.catchAllDefect((defect) =>
          Effect.logError("the queue cannot be read", defect).pipe(Effect.andThen(Effect.sleep("1 second")))
        )
      )

      /** Lets every app be looked at that is not to be rolled out anyway: the runtime may have lost or changed what no server saw. */
      const addAll = Effect.flatMap(
        platform,
        ({ key }) => sql`
          select organization_id, app, stage, jsonb_array_length(inventory) as services from app_stages
          where inventory <> '[]' and platform_key = ${key}`
      ).pipe(
        Effect.flatMap((rows) =>
          queue.add(decodeApps(rows).map((_) => ({ organizationId: _.organization_id, app: _.app, stage: _.stage })))
        )
      )

      const messages = yield* notifications.subscribe
      yield* Stream.fromQueue(messages).pipe(
        Stream.filter((_) => _ === "work" || _ === "reconnected"),
        Stream.tap((_) =>
          _ === "reconnected"
            ? Effect.catchAll(addAll, (error) => Effect.logWarning("apps are not looked at again", error.cause))
            : Effect.void
        ),
        Stream.runForEach(() => Queue.offer(wake, undefined)),
        Effect.forkScoped
      )
      yield* addAll
      yield* rollout.announce

      /** In batches, the next one as soon as there is room; where all is done, only another replica's end or a setting makes work. */
      const rollOut = Effect.iterate(0, {
        while: () => true,
        body: (before) =>
          rollout.next(shards.owned()).pipe(
            Effect.tap(({ added }) => (added > 0 ? Queue.offer(wake, undefined) : Effect.void)),
            Effect.map((_) => _.left),
            Effect.catchAll((error) =>
              Effect.as(Effect.logWarning("The rollout can't read the database", error.cause), before)
            ),
            Effect.catchAllDefect((defect) =>
              Effect.as(Effect.logError("The rollout can't read the database", defect), before)
            ),
            Effect.tap((left) =>
              before > 0 && left === 0 ? Effect.logInfo("The platform's settings are rolled out") : Effect.void
            ),
            Effect.tap((left) =>
              (left === 0 ? Effect.never : Queue.take(passes)).pipe(Effect.timeoutOption(Duration.millis(lookMs)))
            )
          )
      })
      yield* Effect.forkScoped(rollOut)
      // What another replica had under way and gave up is due now.
      yield* Stream.runForEach(shards.changes, () => Queue.offer(wake, undefined)).pipe(Effect.forkScoped)

      /** Keeps what services have become, and wakes the deployments that wait for them. */
      const observe = (keys: ReadonlyArray<ServiceKey>) =>
        Effect.gen(function* () {
          const unique = new Map(keys.map((key) => [`${key.organizationId}/${key.namespace}/${key.service}`, key]))
          const observed = yield* Effect.forEach(
            unique.values(),
            (key) =>
              runtime.status(key).pipe(
                Effect.map(Option.map((status): Observed => ({ key, status }))),
                Effect.catchTag("RuntimeError", () => Effect.succeedNone)
              ),
            { concurrency: 16 }
          )
          yield* recordStatuses(observed.flatMap(Option.toArray))
          const waiting = decodeApps(
            yield* sql`
              select d.organization_id, d.app, d.stage, (
                select count(*)::int from services n
                where n.organization_id = d.organization_id and n.app = d.app and n.stage = d.stage
              ) as services
              from deployments d
              where d.finished_at is null and exists (
                select 1 from services s
                join jsonb_to_recordset(${storableJson(
                  [...unique.values()].map((_) => ({
                    organization_id: _.organizationId,
                    stage: _.stage,
                    name: _.service
                  }))
                )}::jsonb) as k (organization_id text, stage text, name text)
                  on s.organization_id = k.organization_id and s.stage = k.stage and s.name = k.name
                where s.organization_id = d.organization_id and s.app = d.app and s.stage = d.stage
              )`
          )
          for (const { app, organization_id, services, stage } of waiting) {
            yield* queue.add([{ organizationId: organization_id, app, stage }], gatherMs(services))
          }
          if (waiting.length > 0) yield* Queue.offer(wake, undefined)
        }).pipe(
          Effect.catchAll((error) => Effect.logWarning("a change was not recorded", error)),
          Effect.catchAllDefect((defect) => Effect.logError("a change was not recorded", defect))
        )

      yield* runtime.changes.pipe(
        Stream.groupedWithin(512, Duration.millis(20)),
        Stream.runForEach((keys) => observe(Chunk.toReadonlyArray(keys))),
        Effect.forkScoped
      )

      /**
       * How long to leave what was done to an object that has been put right before: a tool that does it again each time must not keep
       * the cluster and us busy. The first few at once, then ever later, a minute at most.
       */
      const patienceMs = ({ key, object }: Drift) =>
        sql<{ times: number }>`
          select count(*)::int as times from drift
          where organization_id = ${key.organizationId} and stage = ${key.stage} and kind = ${object.kind}
            and name = ${object.name} and healed_at > clock_timestamp() - interval '10 minutes'`.pipe(
          Effect.map(([row]) => {
            const again = (row?.times ?? 0) - healedAtOnce
            return again < 0 ? 0 : Math.min(60_000, 1_000 * 2 ** again)
          })
        )

      /** Keeps what others did to our objects, and lets it be put right. */
      const notice = (drift: Drift) =>
        Effect.gen(function* () {
          if (!shards.owns(drift.key.organizationId)) return passed.keep(drift)
          const afterMs = yield* patienceMs(drift)
          yield* drifts.record(drift)
          const apps = decodeApps(
            yield* sql`
              select organization_id, app, stage, 0 as services from app_stages
              where organization_id = ${drift.key.organizationId} and stage = ${drift.key.stage}
                and (app = ${drift.app} or ${drift.app}::text is null) and inventory <> '[]'
              order by app limit 1`
          )
          yield* queue.add(
            apps.map((_) => ({ organizationId: _.organization_id, app: _.app, stage: _.stage })),
            afterMs
          )
          yield* Queue.offer(wake, undefined)
        }).pipe(
          Effect.catchAll((error) => Effect.logWarning("a drift was not recorded", error)),
          // The next one is recorded all the same.
          Effect.catchAllDefect((defect) => Effect.logError("a drift was not recorded", defect))
        )

      yield* Stream.runForEach(runtime.drift, notice).pipe(Effect.forkScoped)
      /** What came while nobody owned its organization, or while its owner died: told again by who owns it now. */
      const noticeLate = (drift: Drift) =>
        sql`
          select 1 from drift
          where organization_id = ${drift.key.organizationId} and stage = ${drift.key.stage} and kind = ${drift.object.kind}
            and name = ${drift.object.name} and change = ${drift.change} and manager is not distinct from ${drift.manager}::text
            and noticed_at > ${drift.at}::timestamptz - ${keptMillis} * interval '1 millisecond'`.pipe(
          Effect.flatMap((known) => (known.length > 0 ? Effect.void : notice(drift))),
          Effect.catchAll((error) => Effect.logWarning("a drift was not recorded", error.cause))
        )
      yield* Stream.runForEach(Stream.merge(shards.changes, Stream.tick(Duration.millis(lookMs))), () =>
        Effect.forEach(passed.take(shards.owns), noticeLate, { discard: true })
      ).pipe(Effect.forkScoped)

      yield* Effect.repeat(dispatch, Schedule.forever).pipe(Effect.forkScoped)
    }).pipe(asServer, Effect.withSpan("Reconciler"))
  )
