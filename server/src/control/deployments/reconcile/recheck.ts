import { ServiceName } from "@maxcloud/config-schema"
import type { ObjectRef } from "@maxcloud/synth"
import { Effect } from "effect"
import { Runtime } from "../../../runtimes/port/Runtime.ts"
import type { ManifestsOf } from "../manifests/stageManifests.ts"
import type { Lease } from "../queue/WorkQueue.ts"
import type { RestoreWindow } from "../restore/RestoreWindow.ts"
import type { RolloutRows } from "../rollout/rollout.ts"
import type { StageRows } from "../stages/StageRows.ts"
import type { Begun } from "../stages/stageBase.ts"
import { recordStatuses } from "../statuses/recordStatuses.ts"
import { statusesOf } from "./follow.ts"
import { restoreServices } from "./restoreServices.ts"

/** How soon to check again whether a suspended app is lost completely: a namespace's objects disappear one after another. */
const lostMs = 5_000

/**
 * Has the runtime lost the whole app, as after the deletion of its namespace or in a new cluster? Then no hotfix is left, and a
 * suspension doesn't keep the app from being restored, which may take several passes.
 */
const isLost = (
  rows: StageRows,
  lease: Lease,
  inventory: ReadonlyArray<ObjectRef>,
  missing: ReadonlyArray<ObjectRef>
) =>
  missing.length > 0 && missing.length === inventory.length
    ? Effect.succeed(true)
    : missing.length === 0
      ? Effect.succeed(false)
      : rows.isRestoring(lease)

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
  { conflicted, id, inventory }: Begun
) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const names = yield* rows.serviceNames(lease)
    const observed = yield* recordStatuses(
      names.map((name) => ({ ...rows.namespaceKeyOf(lease), service: ServiceName.make(name) })),
      statusesOf(rows, lease, names)
    )
    const manifests = yield* manifestsOf(lease, id)
    const missing: ReadonlyArray<ObjectRef> = yield* runtime.missing(rows.namespaceKeyOf(lease), inventory)
    const suspendedMs = yield* rows.suspendedMs(lease)
    if (suspendedMs !== undefined && !(yield* isLost(rows, lease, inventory, missing))) {
      yield* manifests.stale ? rollout.failed(lease, "The stage is suspended.") : rollout.done(lease, id, manifests)
      return missing.length === 0 ? suspendedMs : Math.min(suspendedMs, lostMs)
    }
    const drift = yield* rows.newestDrift(lease)
    if (!manifests.stale && missing.length === 0 && drift === undefined && observed.length === names.length) {
      yield* rollout.done(lease, id, manifests)
      return undefined
    }
    yield* Effect.logInfo("Applying the app again").pipe(
      Effect.annotateLogs({ missing: missing.length, drift: drift !== undefined, changed: manifests.stale })
    )
    // If a deployment was refused because of another field manager, don't take the field behind the user's back.
    const againMs = yield* restoreServices(rows, restore, lease, manifests, missing, { force: !conflicted })
    if (againMs !== undefined) return againMs
    if (drift !== undefined) yield* rows.healDrift(lease, drift)
    yield* rollout.done(lease, id, manifests)
    return undefined
  })
