import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Layer, Queue, Stream } from "effect"
import { Notifications } from "../../base/database/Notifications.ts"
import { asServer } from "../../base/database/RowScope.ts"
import { watchOver } from "../../base/node/keepDoing.ts"
import { Shards } from "../../base/replicas/Shards.ts"
import { currentPlatformKey } from "./manifests/PlatformKey.ts"
import { rolloutLoop } from "./queue/rolloutLoop.ts"
import { decodeStageRefs } from "./queue/stageRef.ts"
import type { WorkQueue } from "./queue/WorkQueue.ts"
import { startWorkers } from "./queue/workers.ts"
import { noticeDrift } from "./reconcile/noticeDrift.ts"
import { makeReconcile } from "./reconcile/reconcile.ts"
import { makeRollout } from "./rollout/rollout.ts"
import { observeChanges } from "./statuses/observeChanges.ts"

export interface ReconcilerOptions {
  /** Maximum number of concurrent passes. @default 4 */
  readonly workers?: number
  /** How long the services of a deployment may take to become ready. @default 600_000 */
  readonly progressDeadlineMs?: number
  /** How soon to check unready services again without a wake-up. @default 5_000 */
  readonly resyncMs?: number
}

/** Queues every app that no rollout queues: while no server was running, the runtime may have lost or changed something. */
const addAll = (queue: WorkQueue, platformKey: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = yield* sql`
      select organization_id, app, stage from app_stages
      where inventory <> '[]' and platform_key = ${platformKey}`
    yield* queue.add(decodeStageRefs(rows))
  })

/** Takes work from the queue, and lets the runtime's changes add to it. Returns its leases at the end. */
export const layer = (queue: WorkQueue, options: ReconcilerOptions = {}) =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const { progressDeadlineMs = 600_000, resyncMs = 5_000, workers = 4 } = options
      const notifications = yield* Notifications
      const shards = yield* Shards
      const platform = yield* currentPlatformKey
      const rollout = yield* makeRollout(queue, platform)
      const wakes = yield* Queue.sliding<void>(1)
      const wake = Effect.asVoid(Queue.offer(wakes, undefined))
      const reconcile = yield* makeReconcile({ progressDeadlineMs, queue, resyncMs, wake })
      const lookAtAll = Effect.flatMap(platform, ({ key }) => addAll(queue, key))

      const messages = yield* notifications.subscribe
      const looking = watchOver("look at all apps after a reconnection")
      yield* Stream.fromQueue(messages).pipe(
        Stream.filter((value) => value === "work" || value === "reconnected"),
        Stream.tap((found) => (found === "reconnected" ? looking(lookAtAll) : Effect.void)),
        Stream.runForEach(() => wake),
        Effect.forkScoped
      )
      yield* lookAtAll
      yield* rollout.announce

      const passes = yield* Queue.sliding<void>(1)
      const next = Effect.suspend(() => rollout.next(shards.owned()))
      yield* Effect.forkScoped(rolloutLoop({ next, wake, passEnded: Queue.take(passes) }))
      // Work that another replica abandoned is due now.
      yield* Effect.forkScoped(Stream.runForEach(shards.changes, () => wake))
      yield* Effect.forkScoped(observeChanges(queue, wake))
      yield* Effect.forkScoped(noticeDrift(queue, wake))
      yield* startWorkers({
        limit: workers,
        queue,
        reconcile,
        shards,
        wake,
        woken: Queue.take(wakes),
        passEnded: Queue.offer(passes, undefined)
      })
    }).pipe(asServer, Effect.withSpan("Reconciler"))
  )
