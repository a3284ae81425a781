import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { ServiceName } from "@maxcloud/config-schema"
import { refOf } from "@maxcloud/synth"
import { Effect, Option } from "effect"
import { type ApplyOptions, building, pulling, Runtime, type RuntimeError } from "../../runtimes/port/Runtime.ts"
import { currentPlatformKey } from "./PlatformKey.ts"
import { failureOf, isReadyElsewhere, overdue, type Progress, progressOf } from "./progress.ts"
import { makePrune } from "./prune.ts"
import { makeRecheck } from "./recheck.ts"
import { type Observed, recordStatuses } from "./recordStatuses.ts"
import { refsWithout } from "./refs.ts"
import { makeRemoveServices } from "./removeServices.ts"
import { makeRolloutRows } from "./rollout.ts"
import { type Begun, makeStageRows } from "./StageRows.ts"
import { makeStageManifests, type StageManifests } from "./stageManifests.ts"
import type { Lease, LeaseLost, Outcome, WorkQueue } from "./WorkQueue.ts"

export interface ReconcileOptions {
  readonly queue: WorkQueue
  readonly progressDeadlineMs: number
  /** How soon to look again at what still becomes ready, without a wake-up. */
  readonly resyncMs: number
}

const done: Outcome = { _tag: "done" }
const again = (when: { readonly afterMs: number; readonly failed: boolean }): Outcome => ({ _tag: "retry", ...when })

/** What is said of a deployment that is refused: what is wrong, and what to do. */
const refusalText = ({ diagnosis, message }: RuntimeError) =>
  diagnosis === undefined ? message : `${message.replace(/\.$/, "")}. ${diagnosis.fix}`

/**
 * Carries out the newest deployment of an app and stage, one pass at a time. Level triggered: each pass reads all again, so a lost or
 * repeated wake-up, or a death in the middle, does no harm.
 */
export const makeReconcile = ({ progressDeadlineMs, queue, resyncMs }: ReconcileOptions) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const rows = yield* makeStageRows(queue, progressDeadlineMs)
    const { contextOf, manifestsOf } = yield* makeStageManifests(rows)
    const rollout = makeRolloutRows(rows, yield* currentPlatformKey)
    const { events, sql, write } = rows
    /**
     * The deployments that this process has applied, with the stage's context then: after a restart of the server they are applied
     * again, and also when a service is paused, resumed or restarted while its deployment is under way.
     */
    const applied = new Map<string, string>()
    const warned = new Map<string, string>()

    const finish = (lease: Lease, id: string, state: "succeeded" | "failed", reason: string, message: string) =>
      Effect.tap(rows.finish(lease, id, state, reason, message), () => {
        applied.delete(id)
        warned.delete(id)
      })

    /** The namespace's own objects first, for the others stand in it. */
    const applyAll = (lease: Lease, manifests: StageManifests, options: ApplyOptions) =>
      Effect.gen(function* () {
        const key = rows.namespaceKeyOf(lease)
        yield* runtime.apply(key, lease.key.app, manifests.namespace, { ...options, force: true })
        if (manifests.app.length > 0) yield* runtime.apply(key, lease.key.app, manifests.app, options)
      })

    const apply = (lease: Lease, { force_conflicts, id, inventory }: Begun) =>
      Effect.gen(function* () {
        const manifests = yield* manifestsOf(lease, id)
        const wanted = manifests.app.map(refOf)
        // Recorded before anything is applied: a crash may leave a record of nothing, never an object without a record.
        yield* write(lease, rows.setInventory(lease, [...wanted, ...refsWithout(inventory, wanted)]))
        // Not those of which it was said already that they have failed.
        const open = (yield* rows.progress(lease, id)).filter((_) => _.state === "pending").map((_) => _.name)
        yield* applyAll(lease, manifests, { force: force_conflicts, retry: new Set(open) })
        yield* rollout.done(lease, id, manifests)
      })

    const statuses = (lease: Lease, names: ReadonlyArray<string>) =>
      Effect.forEach(
        names,
        (name) => {
          const key = { ...rows.namespaceKeyOf(lease), service: ServiceName.make(name) }
          return Effect.map(runtime.status(key), (status) => ({ key, status }))
        },
        { concurrency: 16 }
      ).pipe(
        Effect.map((all) =>
          all.flatMap(
            ({ key, status }): ReadonlyArray<Observed> =>
              Option.match(status, { onNone: () => [], onSome: (_) => [{ key, status: _ }] })
          )
        )
      )

    const prune = makePrune(rows, manifestsOf)
    const removeServices = makeRemoveServices(rows)
    const recheck = makeRecheck({ rows, manifestsOf, applyAll, rollout, statuses })

    /** Looks at the services that are not yet decided, and keeps what has changed. */
    const follow = (lease: Lease, begun: Begun) =>
      Effect.gen(function* () {
        const before = yield* rows.progress(lease, begun.id)
        const open = before.filter((_) => _.action !== "delete" && _.state === "pending")
        const observed = yield* statuses(
          lease,
          open.map((_) => _.name)
        )
        const found = new Map<string, Observed>(observed.map((_) => [_.key.service, _]))
        const released = observed.filter((_) => isReadyElsewhere(_.status)).map((_) => _.key.service)
        if (released.length > 0) yield* runtime.release(rows.namespaceKeyOf(lease), released)
        const now = new Map(
          open.map((service) => {
            const status = found.get(service.name)?.status
            const progress =
              status !== undefined && isReadyElsewhere(status)
                ? { ...service, reason: "Deploying", message: "It is ready, and requests move to it." }
                : progressOf(service, status)
            return [service.name, begun.overdue ? overdue(progress, progressDeadlineMs) : progress] as const
          })
        )
        const changed = open.flatMap((was) => {
          const is = now.get(was.name)
          return is === undefined || JSON.stringify(is) === JSON.stringify(was) ? [] : [{ was, is }]
        })
        if (changed.length > 0) {
          const told = changed.filter(
            ({ is, was }) =>
              is.state !== was.state ||
              is.reason !== was.reason ||
              is.diagnosis?.code !== was.diagnosis?.code ||
              ((is.reason === building || is.reason === pulling) && is.message !== was.message)
          )
          yield* write(
            lease,
            rows
              .saveProgress(
                lease,
                begun.id,
                changed.map((_) => _.is)
              )
              .pipe(
                Effect.andThen(recordStatuses(observed)),
                Effect.andThen(
                  events(
                    lease,
                    begun.id,
                    told.map(({ is }) => ({
                      type: "service",
                      service: is.name,
                      reason: is.reason,
                      message: is.message
                    }))
                  )
                )
              )
          )
        }
        return before.map((service) => now.get(service.name) ?? service)
      })

    /** Applies it, unless this process has, and the stage is as it was then. */
    const applyOnce = (lease: Lease, begun: Begun) =>
      Effect.gen(function* () {
        const context = yield* contextOf(lease)
        if (applied.get(begun.id) === context) return
        yield* apply(lease, begun)
        applied.set(begun.id, context)
        warned.delete(begun.id)
        yield* rows.tellOnce(lease, begun.id, {
          type: "applied",
          reason: "Applied",
          message: "Manifests applied."
        })
      })

    const succeed = (lease: Lease, begun: Begun) =>
      Effect.gen(function* () {
        if (!(yield* prune(lease, begun))) return again({ afterMs: 0, failed: false })
        const message = `Deployment ${begun.number} succeeded.`
        yield* write(lease, finish(lease, begun.id, "succeeded", "Succeeded", message))
        return done
      })

    const refuse = (lease: Lease, { id }: Begun, error: RuntimeError) =>
      Effect.as(write(lease, finish(lease, id, "failed", error.diagnosis?.code ?? "Refused", refusalText(error))), done)

    const advance = (lease: Lease, begun: Begun) =>
      Effect.gen(function* () {
        const refusal = yield* applyOnce(lease, begun).pipe(
          Effect.as(undefined),
          Effect.catchTag("RuntimeError", (_) => (_.reason === "refused" ? Effect.succeed(_) : Effect.fail(_)))
        )
        const before = refusal === undefined ? yield* follow(lease, begun) : yield* rows.progress(lease, begun.id)
        // Refused with something new in it, the app stays as it was. What only takes services away does so whatever is said of the others.
        const removes = refusal === undefined || before.every((_) => _.action === "delete" || _.action === "unchanged")
        const services = removes ? yield* removeServices(lease, begun, before) : before
        if (refusal !== undefined) return yield* refuse(lease, begun, refusal)
        if (services === undefined) return again({ afterMs: 0, failed: false })
        const wanted = services.filter((_) => _.action !== "delete")
        if (wanted.some((_) => _.state === "pending")) {
          return again({ afterMs: Math.max(10, Math.min(resyncMs, begun.remaining_ms)), failed: false })
        }
        const failure = failureOf(wanted)
        if (failure === "") return yield* succeed(lease, begun)
        // Before it is said: whatever ends in between, nothing of it goes live once it was said.
        yield* abandon(lease, wanted)
        yield* write(lease, finish(lease, begun.id, "failed", "ServiceFailed", failure))
        return done
      })

    /** What of a deployment that fails isn't ready never gets requests by itself. */
    const abandon = (lease: Lease, services: ReadonlyArray<Progress>) => {
      const failed = services.filter((_) => _.action !== "delete" && _.state !== "ready").map((_) => _.name)
      return failed.length === 0
        ? Effect.void
        : runtime.abandon(rows.namespaceKeyOf(lease), failed).pipe(
            Effect.catchIf(
              (_) => _.reason === "refused",
              (error) => Effect.logWarning("a failed revision can't be kept from requests", error.message)
            )
          )
    }

    /** A passing fault: told once, and tried again until the deadline. */
    const postpone = (lease: Lease, begun: Begun, reason: string, message: string) =>
      Effect.gen(function* () {
        if (begun.overdue) {
          const isKept = yield* abandon(lease, yield* rows.progress(lease, begun.id)).pipe(
            Effect.as(true),
            Effect.catchTag("RuntimeError", () => Effect.succeed(false))
          )
          // What was applied could still go live once the runtime is back: the verdict waits until that is ruled out.
          if (!isKept && applied.has(begun.id)) return again({ afterMs: resyncMs, failed: false })
          yield* write(lease, finish(lease, begun.id, "failed", reason, message))
          return done
        }
        if (warned.get(begun.id) !== message) {
          warned.set(begun.id, message)
          yield* write(lease, events(lease, begun.id, [{ type: "warning", reason, message }]))
        }
        // A cluster that is away is looked for at an even pace: after an outage all go on at once, however long it was.
        const away = reason === "ClusterUnreachable"
        return away ? again({ afterMs: resyncMs, failed: false }) : again({ afterMs: 0, failed: true })
      })

    const pass = (lease: Lease) =>
      Effect.gen(function* () {
        const { begun, superseded } = yield* rows.begin(lease)
        for (const id of superseded) applied.delete(id)
        if (begun === undefined) return done
        if (begun.finished) {
          return yield* recheck(lease, begun).pipe(
            Effect.as(done),
            Effect.catchTag("RuntimeError", (error) =>
              Effect.logWarning("a settled app cannot be looked at", error.message).pipe(
                Effect.andThen(rollout.failed(lease, error.message)),
                Effect.as(error.reason === "refused" ? done : again({ afterMs: resyncMs, failed: true }))
              )
            ),
            // It must not hold up the others: the rollout comes back to it.
            Effect.catchAllDefect((defect) =>
              Effect.logError("a settled app cannot be looked at", defect).pipe(
                Effect.andThen(
                  rollout.failed(lease, "The server can't make its manifests: see the server's log for the reason.")
                ),
                Effect.as(done)
              )
            )
          )
        }
        return yield* advance(lease, begun).pipe(
          Effect.catchTag("RuntimeError", (error) =>
            error.reason === "refused"
              ? refuse(lease, begun, error)
              : postpone(lease, begun, error.diagnosis?.code ?? "RuntimeUnavailable", error.message)
          ),
          // Drift of the meantime is put right by the next pass: a deployment takes nothing by force.
          Effect.flatMap((outcome) =>
            outcome._tag === "done"
              ? Effect.map(rows.newestDrift(lease), (drift) =>
                  drift === undefined ? outcome : again({ afterMs: 0, failed: false })
                )
              : Effect.succeed(outcome)
          ),
          Effect.catchAllDefect((defect) =>
            Effect.andThen(
              Effect.logError("a deployment cannot be carried out", defect),
              postpone(lease, begun, "InternalError", "The server made a mistake; its log says which. It tries again.")
            )
          )
        )
      })

    return (lease: Lease): Effect.Effect<Outcome, SqlError | LeaseLost> =>
      pass(lease).pipe(
        Effect.provideService(SqlClient, sql),
        Effect.provideService(Runtime, runtime),
        Effect.withSpan("reconcile")
      )
  })
