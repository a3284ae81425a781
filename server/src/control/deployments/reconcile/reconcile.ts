import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { Effect } from "effect"
import { monotonicMillis } from "../../../base/node/monotonic.ts"
import { Runtime, type RuntimeError } from "../../../runtimes/port/Runtime.ts"
import { currentPlatformKey } from "../manifests/PlatformKey.ts"
import { type ManifestsOf, makeStageManifests } from "../manifests/stageManifests.ts"
import type { Lease, LeaseLost, Outcome, WorkQueue } from "../queue/WorkQueue.ts"
import { prune } from "../removal/prune.ts"
import { removeServices } from "../removal/removeServices.ts"
import { makeRestoreWindow, type RestoreWindow } from "../restore/RestoreWindow.ts"
import { makeRolloutRows, type RolloutRows } from "../rollout/rollout.ts"
import type { Verdict } from "../stages/finishDeployment.ts"
import { makeStageRows, type StageRows } from "../stages/StageRows.ts"
import type { Begun } from "../stages/stageBase.ts"
import type { Progress } from "../statuses/progress.ts"
import { applyDeployment } from "./applyManifests.ts"
import { follow } from "./follow.ts"
import {
  beginPass,
  done,
  type PassEffect,
  type PassEvent,
  type PassMemory,
  type PassStep,
  passStep
} from "./passMachine.ts"
import { recheck } from "./recheck.ts"

export interface ReconcileOptions {
  readonly queue: WorkQueue
  readonly progressDeadlineMs: number
  /** How soon to check unready services again without a wake-up. */
  readonly resyncMs: number
  /** Lets the dispatcher look at the queue at once. */
  readonly wake: Effect.Effect<void>
}

interface Parts {
  readonly rows: StageRows
  readonly contextOf: (lease: Lease) => Effect.Effect<string, SqlError>
  readonly manifestsOf: ManifestsOf
  readonly rollout: RolloutRows
  readonly restore: RestoreWindow
  readonly progressDeadlineMs: number
}

/** Services that aren't ready when a deployment fails never get requests on their own. */
const abandon = (rows: StageRows, lease: Lease, services: ReadonlyArray<Progress>) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const failed = services
      .filter((service) => service.action !== "delete" && service.state !== "ready")
      .map((service) => service.name)
    if (failed.length === 0) return
    yield* runtime.abandon(rows.namespaceKeyOf(lease), failed).pipe(
      Effect.catchIf(
        (error) => error.reason === "refused",
        (error) => Effect.logWarning("Couldn't keep requests away from a failed revision", error.message)
      )
    )
  })

const ruleOut = (rows: StageRows, lease: Lease, id: string, verdict: Verdict) =>
  Effect.flatMap(rows.progress(lease, id), (services) => abandon(rows, lease, services)).pipe(
    Effect.as(true),
    Effect.catchTag("RuntimeError", () => Effect.succeed(false)),
    Effect.map((certain): PassEvent => ({ type: "ruledOut", verdict, certain }))
  )

/** Performs the machine's next effect, and returns the result to it. */
const perform = (
  { contextOf, manifestsOf, progressDeadlineMs, restore, rollout, rows }: Parts,
  lease: Lease,
  begun: Begun,
  effect: Exclude<PassEffect, { readonly type: "end" }>
): Effect.Effect<PassEvent, SqlError | LeaseLost | RuntimeError, Runtime | SqlClient> => {
  const { id } = begun
  const answer = (event: PassEvent) => Effect.as(event)
  switch (effect.type) {
    case "recheck":
      return Effect.map(recheck(rows, restore, manifestsOf, rollout, lease, begun), (againMs) => ({
        type: "rechecked",
        againMs
      }))
    case "readContext":
      return Effect.map(contextOf(lease), (context) => ({ type: "contextRead", context }))
    case "apply":
      return Effect.gen(function* () {
        if (!(yield* restore.admit(lease.key.organizationId, id))) return { type: "notAdmitted" } as const
        yield* applyDeployment(rows, manifestsOf, rollout, lease, begun)
        return { type: "applied", context: effect.context } as const
      }).pipe(
        Effect.catchTag("RuntimeError", (error) =>
          error.reason === "refused" ? Effect.succeed<PassEvent>({ type: "applyRefused", error }) : Effect.fail(error)
        )
      )
    case "tellApplied":
      return rows
        .tellOnce(lease, id, { type: "applied", reason: "Applied", message: "Manifests applied." })
        .pipe(answer({ type: "appliedTold" }))
    case "follow":
      return Effect.map(follow(rows, lease, begun, progressDeadlineMs), (services) => ({
        type: "servicesSeen",
        services
      }))
    case "readServices":
      return Effect.map(rows.progress(lease, id), (services) => ({ type: "servicesSeen", services }))
    case "removeServices":
      return Effect.map(removeServices(rows, lease, begun, effect.services), (services) => ({
        type: "servicesRemoved",
        services
      }))
    case "prune":
      return Effect.map(prune(rows, manifestsOf, lease, begun), (whole) => ({ type: "pruned", whole }))
    case "abandon":
      return abandon(rows, lease, effect.services).pipe(answer({ type: "abandoned", verdict: effect.verdict }))
    case "ruleOut":
      return ruleOut(rows, lease, id, effect.verdict)
    case "warn": {
      const { message, outcome, reason } = effect
      return rows
        .write(lease, rows.events(lease, id, [{ type: "warning", reason, message }]))
        .pipe(answer({ type: "told", outcome }))
    }
    case "noteRollout":
      return rollout.failed(lease, effect.message).pipe(answer({ type: "told", outcome: effect.outcome }))
    case "finish":
      return rows.write(lease, rows.finish(lease, id, effect.verdict)).pipe(answer({ type: "finished" }))
    case "readDrift":
      // The next pass also ends a suspension.
      return Effect.zipWith(rows.newestDrift(lease), rows.suspendedMs(lease), (drift, suspendedMs) => ({
        type: "driftRead",
        found: drift !== undefined || suspendedMs !== undefined
      }))
  }
}

const logOf = ({ finished }: Begun) => (finished ? "Couldn't check a deployed app" : "Couldn't carry out a deployment")

/** A runtime error becomes an event; a lost lease or database ends the pass. */
const asEvent = (begun: Begun, error: RuntimeError) =>
  Effect.as(begun.finished ? Effect.logWarning(logOf(begun), error.message) : Effect.void, {
    type: error.reason,
    error
  } as const)

/** Performs one effect after another until the machine ends the pass. `keep` receives the machine's memory after each. */
const runPass = (parts: Parts, lease: Lease, begun: Begun, first: PassStep, keep: (memory: PassMemory) => void) =>
  Effect.gen(function* () {
    let step = first
    while (step.effect.type !== "end") {
      const performed = perform(parts, lease, begun, step.effect).pipe(
        Effect.catchTag("RuntimeError", (error) => asEvent(begun, error))
      )
      // A second internal error in one pass isn't recovered.
      const event = yield* step.state.broken
        ? performed
        : Effect.catchAllDefect(performed, (defect) =>
            Effect.as(Effect.logError(logOf(begun), defect), { type: "broke" } as const)
          )
      step = passStep(step.state, event)
      keep(step.state.memory)
    }
    return step.effect.outcome
  })

/**
 * Carries out the newest deployment of an app and stage, one pass at a time. Level-triggered: each pass reads everything again,
 * so lost or repeated wake-ups and crashes do no harm.
 */
export const makeReconcile = ({ progressDeadlineMs, queue, resyncMs, wake }: ReconcileOptions) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const clock = Effect.zipWith(monotonicMillis, runtime.awayMillis, (now, away) => now - away)
    const rows = yield* makeStageRows(queue, progressDeadlineMs, clock)
    const { contextOf, manifestsOf } = yield* makeStageManifests(rows)
    const rollout = makeRolloutRows(rows, yield* currentPlatformKey)
    const restore = yield* makeRestoreWindow((stages) => Effect.zipRight(queue.add(stages), wake))
    const parts = { rows, contextOf, manifestsOf, restore, rollout, progressDeadlineMs }
    /** For the newest deployment of each stage. */
    const memories = new Map<string, { readonly id: string; readonly memory: PassMemory }>()
    const keep = (stage: string, id: string) => (memory: PassMemory) => {
      if (memory.applied === undefined && memory.warned === undefined) memories.delete(stage)
      else memories.set(stage, { id, memory })
    }

    return (lease: Lease): Effect.Effect<Outcome, SqlError | LeaseLost> =>
      Effect.gen(function* () {
        const begun = yield* rows.begin(lease)
        if (begun === undefined) return done
        const stage = `${lease.key.organizationId}/${lease.key.app}/${lease.key.stage}`
        const known = memories.get(stage)
        const first = beginPass(begun, known?.id === begun.id ? known.memory : {}, resyncMs)
        keep(stage, begun.id)(first.state.memory)
        return yield* runPass(parts, lease, begun, first, keep(stage, begun.id))
      }).pipe(
        Effect.provideService(SqlClient, rows.sql),
        Effect.provideService(Runtime, runtime),
        Effect.withSpan("reconcile")
      )
  })
