import { ServiceName } from "@maxcloud/config-schema"
import { type ObjectRef, refOf } from "@maxcloud/synth"
import { Effect } from "effect"
import { Runtime, RuntimeError } from "../../../runtimes/port/Runtime.ts"
import type { ManifestsOf, StageManifests } from "../manifests/stageManifests.ts"
import type { Lease } from "../queue/WorkQueue.ts"
import { isOneOf } from "../removal/refs.ts"
import type { RestoreWindow } from "../restore/RestoreWindow.ts"
import type { RolloutRows } from "../rollout/rollout.ts"
import type { StageRows } from "../stages/StageRows.ts"
import type { Begun } from "../stages/stageBase.ts"
import { recordStatuses } from "../statuses/recordStatuses.ts"
import { statusesOf } from "./follow.ts"
import { restoreServices } from "./restoreServices.ts"

/** How soon to check again whether a suspended app is lost completely: a namespace's objects disappear one after another. */
const lostMs = 5_000

interface Found {
  readonly begun: Begun
  readonly manifests: StageManifests
  readonly missing: ReadonlyArray<ObjectRef>
  /** The runtime has lost the whole app, as after the deletion of its namespace or in a new cluster. */
  readonly lost: boolean
}

/**
 * Leaves a suspended app alone, unless the runtime has lost all of it: no hotfix is left then. Its return may take several passes,
 * and somebody may change what is back already, so these passes only apply what is missing.
 */
const recheckSuspended = (
  rows: StageRows,
  restore: RestoreWindow,
  rollout: RolloutRows,
  lease: Lease,
  { begun: { conflicted, id }, lost, manifests, missing }: Found,
  suspendedMs: number
) =>
  Effect.gen(function* () {
    if (lost) {
      const isMissing = isOneOf(missing)
      const rest = { ...manifests, app: manifests.app.filter((manifest) => isMissing(refOf(manifest))) }
      const againMs = yield* restoreServices(rows, restore, lease, rest, missing, { force: !conflicted }).pipe(
        // The next pass is still due when the suspension ends.
        Effect.catchIf(
          (error) => error instanceof RuntimeError && error.reason === "refused",
          (error) => Effect.as(rollout.failed(lease, error.message), suspendedMs)
        )
      )
      if (againMs !== undefined) return Math.min(againMs, suspendedMs)
      yield* rows.setLost(lease, false)
    } else {
      yield* restore.leave(lease.key)
    }
    yield* manifests.stale ? rollout.failed(lease, "The stage is suspended.") : rollout.done(lease, id, manifests)
    return lost || missing.length === 0 ? suspendedMs : Math.min(suspendedMs, lostMs)
  })

/**
 * Checks a previously deployed app: restores objects that the runtime has lost or others have changed, and applies later changes
 * of a pause, a registry's credentials or the platform. Changes nothing while the stage is suspended. Returns when to go on, if
 * services must wait to be restored or the suspension must end.
 */
export const recheck = (
  rows: StageRows,
  restore: RestoreWindow,
  manifestsOf: ManifestsOf,
  rollout: RolloutRows,
  lease: Lease,
  begun: Begun
) =>
  Effect.gen(function* () {
    const { conflicted, id, inventory } = begun
    const runtime = yield* Runtime
    const names = yield* rows.serviceNames(lease)
    const observed = yield* recordStatuses(
      names.map((name) => ({ ...rows.namespaceKeyOf(lease), service: ServiceName.make(name) })),
      statusesOf(rows, lease, names)
    )
    const manifests = yield* manifestsOf(lease, id)
    const missing: ReadonlyArray<ObjectRef> = yield* runtime.missing(rows.namespaceKeyOf(lease), inventory)
    // Remembered, because the restore's later passes find only a part missing, as after the deletion of a single object.
    const lost = missing.length > 0 && (begun.lost || missing.length === inventory.length)
    if (lost !== begun.lost) yield* rows.setLost(lease, lost)
    const suspendedMs = yield* rows.suspendedMs(lease)
    if (suspendedMs !== undefined) {
      return yield* recheckSuspended(rows, restore, rollout, lease, { begun, lost, manifests, missing }, suspendedMs)
    }
    const drift = yield* rows.newestDrift(lease)
    if (!manifests.stale && missing.length === 0 && drift === undefined && observed.length === names.length) {
      yield* restore.leave(lease.key)
      yield* rollout.done(lease, id, manifests)
      return undefined
    }
    yield* Effect.logInfo("Applying the app again").pipe(
      Effect.annotateLogs({ missing: missing.length, drift: drift !== undefined, changed: manifests.stale })
    )
    // If a deployment was refused because of another field manager, don't take the field behind the user's back.
    const againMs = yield* restoreServices(rows, restore, lease, manifests, missing, { force: !conflicted })
    if (againMs !== undefined) return againMs
    if (lost) yield* rows.setLost(lease, false)
    if (drift !== undefined) yield* rows.healDrift(lease, drift)
    yield* rollout.done(lease, id, manifests)
    return undefined
  })
