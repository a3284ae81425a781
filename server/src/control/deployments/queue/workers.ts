import type { SqlError } from "@effect/sql/SqlError"
import { Duration, Effect, FiberSet, Ref } from "effect"
import { whileHeld } from "../../../base/database/heldLease.ts"
import { asOrganization } from "../../../base/database/RowScope.ts"
import { keepDoing } from "../../../base/node/keepDoing.ts"
import { monotonicMillis } from "../../../base/node/monotonic.ts"
import type { Shards } from "../../../base/replicas/Shards.ts"
import { count, observe } from "../../../base/telemetry/processMetrics.ts"
import { type DispatchEffect, type DispatchEvent, dispatchStep, nothingHeld, type PassEnd } from "./dispatchMachine.ts"
import type { Lease, LeaseLost, Outcome, WorkQueue } from "./WorkQueue.ts"

export interface WorkersOptions {
  readonly queue: WorkQueue
  readonly shards: Shards["Type"]
  readonly reconcile: (lease: Lease) => Effect.Effect<Outcome, SqlError | LeaseLost>
  /** Maximum number of concurrent passes. */
  readonly limit: number
  /** Tells the loop to check the queue. */
  readonly wake: Effect.Effect<void>
  /** Returns when `wake` was called since. */
  readonly woken: Effect.Effect<void>
  /** Called at the end of each pass. */
  readonly passEnded: Effect.Effect<unknown>
}

const resultOf = (end: PassEnd): "done" | "waiting" | "retry" | "lost" | "failed" => {
  if (end.type !== "outcome") return end.type
  if (end.outcome._tag === "done") return "done"
  return end.outcome.failed ? "retry" : "waiting"
}

const measured = (pass: Effect.Effect<PassEnd>): Effect.Effect<PassEnd> =>
  Effect.flatMap(monotonicMillis, (begun) =>
    Effect.tap(pass, (end) =>
      Effect.map(monotonicMillis, (now) => {
        count("maxcloud_reconcile_total", { result: resultOf(end) })
        observe("maxcloud_reconcile_duration_seconds", {}, (now - begun) / 1000)
      })
    )
  )

/** A pass, for as long as the lease is ours. */
const passOf = ({ queue, reconcile }: WorkersOptions, lease: Lease): Effect.Effect<PassEnd> =>
  whileHeld(
    {
      name: "deployments",
      leaseMs: queue.leaseMs,
      since: lease.since,
      holder: lease.holder,
      renew: queue.renew(lease).pipe(
        Effect.as(true),
        Effect.catchTag("LeaseLost", () => Effect.succeed(false))
      )
    },
    Effect.map(reconcile(lease), (outcome): PassEnd => ({ type: "outcome", outcome })),
    () => Effect.succeed<PassEnd>({ type: "lost" })
  ).pipe(
    Effect.catchTags({
      LeaseLost: () => Effect.succeed<PassEnd>({ type: "lost" }),
      SqlError: (error) => Effect.as(Effect.logWarning("A pass was interrupted", error), { type: "failed" } as const)
    }),
    Effect.catchAllDefect((defect) => Effect.as(Effect.logError("A pass failed", defect), { type: "failed" } as const))
  )

/** A question to the queue. While it can't be answered, the loop continues. */
const asked = (question: Effect.Effect<DispatchEvent, SqlError>): Effect.Effect<DispatchEvent> => {
  const unreadable: DispatchEvent = { type: "queueUnreadable" }
  return question.pipe(
    Effect.catchAll((error) => Effect.as(Effect.logWarning("Couldn't read the work queue", error.cause), unreadable)),
    Effect.catchAllDefect((defect) => Effect.as(Effect.logError("Couldn't read the work queue", defect), unreadable))
  )
}

const claim = ({ queue, shards }: WorkersOptions, most: number) =>
  asked(Effect.map(queue.claim(most, shards.owned()), (leases) => ({ type: "claimed", leases })))

const askNext = ({ queue, shards }: WorkersOptions) =>
  asked(Effect.map(queue.nextInMs(shards.owned()), (inMs) => ({ type: "nextKnown", inMs })))

const finish = ({ queue }: WorkersOptions, lease: Lease, outcome: Outcome): Effect.Effect<DispatchEvent> => {
  const failed: DispatchEvent = { type: "finishFailed", lease, outcome }
  return queue.finish(lease, outcome).pipe(
    Effect.as<DispatchEvent>({ type: "givenBack", lease }),
    Effect.catchAll((error) => Effect.as(Effect.logWarning("A pass was interrupted", error), failed)),
    Effect.catchAllDefect((defect) => Effect.as(Effect.logError("A pass failed", defect), failed))
  )
}

/** Takes work from the queue until the scope closes, and then returns its leases. */
export const startWorkers = (options: WorkersOptions) =>
  Effect.gen(function* () {
    const state = yield* Ref.make(nothingHeld(options.limit))
    yield* Effect.addFinalizer(() =>
      Effect.flatMap(Ref.get(state), ({ held }) => Effect.ignore(options.queue.release([...held.values()])))
    )
    const fibers = yield* FiberSet.make<void>()

    const tell = (event: DispatchEvent) =>
      Ref.modify(state, (before) => {
        const { effects, state: after } = dispatchStep(before, event)
        return [effects, after] as const
      })

    const work = (lease: Lease) =>
      measured(passOf(options, lease)).pipe(
        Effect.flatMap((end) => go({ type: "passEnded", lease, end })),
        Effect.ensuring(Effect.zipRight(options.wake, options.passEnded)),
        asOrganization(lease.key.organizationId),
        Effect.annotateLogs({ organization: lease.key.organization, app: lease.key.app, stage: lease.key.stage })
      )

    const perform = (effect: DispatchEffect): Effect.Effect<void> => {
      switch (effect.type) {
        case "claim":
          // Not interruptible between taking a lease and recording it: otherwise the lease couldn't be returned.
          return Effect.uninterruptible(Effect.flatMap(claim(options, effect.most), go))
        case "start":
          return FiberSet.run(fibers, Effect.interruptible(work(effect.lease)))
        case "askNext":
          return Effect.flatMap(Effect.interruptible(askNext(options)), go)
        case "wait":
          return Effect.interruptible(Effect.timeoutOption(options.woken, Duration.millis(effect.ms)))
        case "pause":
          return Effect.interruptible(Effect.sleep(effect.ms))
        case "finish":
          return Effect.flatMap(finish(options, effect.lease, effect.outcome), go)
      }
    }
    const go = (event: DispatchEvent): Effect.Effect<void> =>
      Effect.flatMap(tell(event), Effect.forEach(perform, { discard: true }))

    yield* keepDoing("the queue of deployments", 0, go({ type: "woken" }))
  })
