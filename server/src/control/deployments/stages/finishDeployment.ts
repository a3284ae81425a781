import { Effect } from "effect"
import { storableJson } from "../../../base/database/storable.ts"
import { unheld } from "../../../stores/secrets/secretRows.ts"
import type { Lease } from "../queue/WorkQueue.ts"
import type { StoredStatus } from "../records/serviceRows.ts"
import type { StageBase } from "./stageBase.ts"

export interface Verdict {
  readonly state: "succeeded" | "failed"
  readonly reason: string
  readonly message: string
}

const neverRun = (reason: string, message: string): StoredStatus => ({
  state: "failed",
  conditions: [{ type: "Ready", status: "False", reason, message, lastTransitionTime: new Date().toISOString() }],
  latestCreatedRevision: null,
  latestReadyRevision: null,
  traffic: [],
  instances: 0,
  url: null,
  diagnosis: null
})

/** Writes how a deployment ended, once. */
export const finishDeployment = (
  { events, inStage, sql }: StageBase,
  lease: Lease,
  id: string,
  { message, reason, state }: Verdict
) =>
  Effect.gen(function* () {
    const ended = yield* sql`
      update deployments set state = ${state}, reason = ${reason}, message = ${message}, finished_at = clock_timestamp()
      where organization_id = ${lease.key.organizationId} and id = ${id} and finished_at is null returning 1`
    if (ended.length > 0) yield* events(lease, id, [{ type: "finished", reason, message }])
    if (state === "failed") {
      // Services that the runtime never reported.
      yield* sql`
        update services set status = ${storableJson(neverRun(reason, message))}::jsonb
        where ${inStage(lease)} and status is null`
    }
    if (state === "succeeded") {
      // Versions of secrets that only earlier deployments needed.
      yield* sql`delete from secret_versions v where ${inStage(lease)} and ${unheld(sql)}`
    }
    // Only the newest is ever applied again.
    yield* sql`
      delete from deployment_manifests m using deployments d
      where d.organization_id = m.organization_id and d.id = m.deployment_id and m.deployment_id <> ${id}
        and d.organization_id = ${lease.key.organizationId} and d.app = ${lease.key.app} and d.stage = ${lease.key.stage}
        and d.finished_at is not null`
  })
