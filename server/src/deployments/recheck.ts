import type { SqlError } from "@effect/sql/SqlError"
import type { ObjectRef } from "@maxcloud/synth"
import { Effect } from "effect"
import { transaction } from "../database/sqlErrors.ts"
import { Runtime, type RuntimeError } from "../runtime/Runtime.ts"
import { type Observed, recordStatuses } from "../services/recordStatuses.ts"
import { type Begun, namespaceKeyOfLease, type StageRows } from "./StageRows.ts"
import type { ManifestsOf, StageManifests } from "./stageManifests.ts"
import type { Lease } from "./WorkQueue.ts"

interface RecheckParts {
  readonly rows: StageRows
  readonly manifestsOf: ManifestsOf
  readonly applyAll: (
    lease: Lease,
    manifests: StageManifests,
    force: boolean
  ) => Effect.Effect<void, RuntimeError, Runtime>
  readonly statuses: (
    lease: Lease,
    names: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyArray<Observed>, RuntimeError | SqlError>
}

/**
 * Looks at an app that was carried out before: puts back what the runtime has lost or what others have changed, and applies what a
 * pause or a registry's credentials have changed since.
 */
export const makeRecheck =
  ({ applyAll, manifestsOf, rows: { serviceNames, sql }, statuses }: RecheckParts) =>
  (lease: Lease, { id, inventory }: Begun) =>
    Effect.gen(function* () {
      const runtime = yield* Runtime
      const names = yield* serviceNames(lease)
      const observed = yield* statuses(lease, names)
      yield* transaction(recordStatuses(observed))
      const manifests = yield* manifestsOf(lease, id)
      const key = namespaceKeyOfLease(lease)
      const missing: ReadonlyArray<ObjectRef> = yield* runtime.missing(key, inventory)
      // Of the namespace's own objects no app is told: whichever of its apps is looked at puts them right.
      const drifted = sql`
        organization_id = ${lease.key.organizationId} and stage = ${lease.key.stage} and healed_at is null
        and (app is null or app = ${lease.key.app})`
      const open = yield* sql`select 1 from drift where ${drifted} limit 1`
      if (!manifests.fresh && missing.length === 0 && open.length === 0 && observed.length === names.length) return
      yield* Effect.logInfo("the app is applied again").pipe(
        Effect.annotateLogs({ missing: missing.length, drift: open.length > 0, changed: manifests.fresh })
      )
      const begun = yield* sql<{ at: Date }>`select clock_timestamp() as at`
      yield* applyAll(lease, manifests, true)
      yield* sql`update drift set healed_at = clock_timestamp() where ${drifted} and noticed_at <= ${begun[0]?.at ?? null}`
    })
