import { refOf } from "@maxcloud/synth"
import { Effect } from "effect"
import { type ApplyOptions, Runtime } from "../../../runtimes/port/Runtime.ts"
import type { ManifestsOf, StageManifests } from "../manifests/stageManifests.ts"
import type { Lease } from "../queue/WorkQueue.ts"
import { refsWithout } from "../removal/refs.ts"
import type { RolloutRows } from "../rollout/rollout.ts"
import type { StageRows } from "../stages/StageRows.ts"
import type { Begun } from "../stages/stageBase.ts"

/**
 * Removes what an earlier version applied to a namespace shared by the organization's apps. This precedes the first apply to the
 * app's own namespace, because the objects of both would have the same hosts.
 */
const leaveFormerNamespace = (rows: StageRows, lease: Lease) =>
  Effect.gen(function* () {
    const former = yield* rows.formerNamespace(lease)
    if (former === undefined) return
    const runtime = yield* Runtime
    yield* runtime.remove({ ...rows.namespaceKeyOf(lease), namespace: former.namespace }, former.inventory)
    yield* rows.write(lease, rows.forgetFormerNamespace(lease))
  })

/** The namespace's own objects come first, because the others live in it. */
export const applyManifests = (rows: StageRows, lease: Lease, manifests: StageManifests, options: ApplyOptions) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const key = rows.namespaceKeyOf(lease)
    yield* leaveFormerNamespace(rows, lease)
    yield* runtime.apply(key, manifests.namespace, { ...options, force: true })
    if (manifests.app.length > 0) yield* runtime.apply(key, manifests.app, options)
  })

/** Applies a deployment in progress. */
export const applyDeployment = (
  rows: StageRows,
  manifestsOf: ManifestsOf,
  rollout: RolloutRows,
  lease: Lease,
  { force_conflicts, id, inventory, lost }: Begun
) =>
  Effect.gen(function* () {
    const manifests = yield* manifestsOf(lease, id)
    const wanted = manifests.app.map(refOf)
    // Record the inventory before applying: after a crash we may prune something that doesn't exist, but we never lose track of
    // an object.
    yield* rows.write(lease, rows.setInventory(lease, [...wanted, ...refsWithout(inventory, wanted)]))
    // Except those that were already reported as failed.
    const open = (yield* rows.progress(lease, id)).filter((each) => each.state === "pending").map((each) => each.name)
    yield* applyManifests(rows, lease, manifests, { force: force_conflicts, retry: new Set(open) })
    if (lost) yield* rows.setLost(lease, false)
    yield* rollout.done(lease, id, manifests)
  })
