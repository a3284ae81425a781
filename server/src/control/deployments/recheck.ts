import type { SqlError } from "@effect/sql/SqlError"
import type { ObjectRef } from "@maxcloud/synth"
import { Effect } from "effect"
import { type ApplyOptions, Runtime, type RuntimeError } from "../../runtimes/port/Runtime.ts"
import { type Observed, recordStatuses } from "./recordStatuses.ts"
import type { makeRolloutRows } from "./rollout.ts"
import type { Begun, StageRows } from "./StageRows.ts"
import type { ManifestsOf, StageManifests } from "./stageManifests.ts"
import type { Lease } from "./WorkQueue.ts"

interface RecheckParts {
  readonly rows: StageRows
  readonly manifestsOf: ManifestsOf
  readonly applyAll: (
    lease: Lease,
    manifests: StageManifests,
    options: ApplyOptions
  ) => Effect.Effect<void, RuntimeError, Runtime>
  readonly rollout: ReturnType<typeof makeRolloutRows>
  readonly statuses: (
    lease: Lease,
    names: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyArray<Observed>, RuntimeError | SqlError>
}

/**
 * Looks at an app that was carried out before: puts back what the runtime has lost or what others have changed, and applies what a
 * pause, a registry's credentials or the platform have changed since.
 */
export const makeRecheck =
  ({
    applyAll,
    manifestsOf,
    rollout,
    rows: { healDrift, namespaceKeyOf, newestDrift, serviceNames },
    statuses
  }: RecheckParts) =>
  (lease: Lease, { conflicted, id, inventory }: Begun) =>
    Effect.gen(function* () {
      const runtime = yield* Runtime
      const names = yield* serviceNames(lease)
      const observed = yield* statuses(lease, names)
      yield* recordStatuses(observed)
      const manifests = yield* manifestsOf(lease, id)
      const key = namespaceKeyOf(lease)
      const missing: ReadonlyArray<ObjectRef> = yield* runtime.missing(key, inventory)
      const drift = yield* newestDrift(lease)
      if (!manifests.stale && missing.length === 0 && drift === undefined && observed.length === names.length) {
        return yield* rollout.done(lease, id, manifests)
      }
      yield* Effect.logInfo("the app is applied again").pipe(
        Effect.annotateLogs({ missing: missing.length, drift: drift !== undefined, changed: manifests.stale })
      )
      // What a deployment was refused for another's sake it does not take behind the user's back.
      yield* applyAll(lease, manifests, { force: !conflicted })
      if (drift !== undefined) yield* healDrift(lease, drift)
      yield* rollout.done(lease, id, manifests)
    })
