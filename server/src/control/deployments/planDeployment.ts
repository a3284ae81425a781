import { maxSpecIssues, ServiceName } from "@maxcloud/config-schema"
import { Effect } from "effect"
import type { Target } from "../../base/words/Target.ts"
import { Quotas } from "../../tenancy/limits/Quotas.ts"
import { acceptedServices } from "./acceptedServices.ts"
import { changesBetween, versionsOf } from "./changes.ts"
import { inspectSpec, readSpec } from "./inspectSpec.ts"
import { platformChanges } from "./platformChanges.ts"
import { tryOut } from "./tryOut.ts"
import { inTurns } from "./turns.ts"

/** The changes that a deployment of a spec would make, and its problems. */
export const planDeployment = (target: Target & { readonly spec: unknown }) =>
  Effect.gen(function* () {
    const quotas = yield* Quotas
    const read = yield* readSpec(target, target.spec)
    const { spec } = read
    const inspected = yield* inspectSpec(target, read)
    const { images, secretVersions, warnings } = inspected
    // A spec that can't be synthesized is refused already. Trying it would only report that twice.
    const refusals = inspected.problems.length > 0 ? [] : yield* tryOut(target, inspected)
    const overQuota = yield* quotas.check(target, spec).pipe(
      Effect.as([]),
      Effect.catchTag("QuotaExceeded", (error) => Effect.succeed([{ path: [], message: error.detail }]))
    )
    const accepted = yield* acceptedServices(target)
    const wanted = versionsOf(read, secretVersions, images)
    const changes = yield* inTurns(() => changesBetween(accepted, wanted))
    return {
      app: target.app,
      stage: target.stage,
      changes: changes.map((change) => ({ ...change, service: ServiceName.make(change.service) })),
      problems: [...inspected.problems, ...refusals, ...overQuota].slice(0, maxSpecIssues),
      warnings,
      platform: yield* platformChanges(target)
    }
  })
