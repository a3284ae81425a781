import { maxSpecIssues, ServiceName } from "@maxcloud/config-schema"
import { inSpec } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { pinOf } from "../../../base/words/imageName.ts"
import { Quotas } from "../../../tenancy/limits/Quotas.ts"
import { acceptedServices } from "../diff/acceptedServices.ts"
import { changesBetween, versionsOf } from "../diff/changes.ts"
import { appManifests } from "../manifests/appManifests.ts"
import { inTurns } from "../queue/turns.ts"
import { newestNumber } from "../records/newestNumber.ts"
import type { Judged } from "../validate/appPolicies.ts"
import { type Inspected, inspectSpec, readSpec } from "../validate/inspectSpec.ts"
import { objectChanges } from "./objectChanges.ts"
import { planContent, planIdOf } from "./planId.ts"
import { platformChanges } from "./platformChanges.ts"
import { tryOut } from "./tryOut.ts"

/** The images that a deployment would be pinned to, by the spec's references; null: its first instance will find out. */
const pinnedImages = ({ images, spec }: Inspected) =>
  Object.fromEntries(
    spec.services.flatMap(({ image }) => {
      if (image === undefined) return []
      const reference = images.get(image)?.reference ?? image
      // A plain id in the engine's store is the image itself.
      const isPinned = pinOf(reference) !== undefined || reference.startsWith("sha256:")
      return [[image, isPinned ? reference : null] as const]
    })
  )

/** The changes that a deployment of a spec would make, and its problems. */
export const planDeployment = (
  target: Judged & { readonly spec: unknown; readonly withManifests?: boolean | undefined }
) =>
  Effect.gen(function* () {
    const quotas = yield* Quotas
    // Read this first: anything deployed from now on makes the plan outdated.
    const basedOn = yield* newestNumber(target)
    const read = yield* readSpec(target, target.spec)
    const { encoded, spec } = read
    const inspected = yield* inspectSpec(target, read)
    const { secretVersions, warnings } = inspected
    // A spec that can't be synthesized is already refused. A dry run would only report that twice.
    const manifests = inspected.problems.length > 0 ? undefined : yield* appManifests(target, inspected)
    const refusals = manifests === undefined ? [] : yield* tryOut(target, spec, manifests)
    const overQuota = yield* quotas.check(target, spec).pipe(
      Effect.as([]),
      Effect.catchTag("QuotaExceeded", (error) => Effect.succeed([{ path: [], message: error.detail }]))
    )
    const accepted = yield* acceptedServices(target)
    const wanted = versionsOf(read, secretVersions, inspected.images)
    const changes = yield* inTurns(() => changesBetween(accepted, wanted))
    const problems = [...inspected.problems, ...refusals, ...overQuota].slice(0, maxSpecIssues)
    const images = pinnedImages(inspected)
    const isExact = problems.length === 0 && !Object.values(images).includes(null)
    const content =
      manifests === undefined || !isExact ? undefined : yield* inTurns(() => planContent(target, encoded, manifests))
    return {
      id: content === undefined ? null : planIdOf(basedOn, content),
      basedOn: basedOn ?? null,
      app: target.app,
      stage: target.stage,
      changes: changes.map((change) => ({ ...change, service: ServiceName.make(change.service) })),
      problems: inSpec(problems),
      warnings: inSpec(warnings),
      platform: yield* platformChanges(target),
      images,
      secretVersions: Object.fromEntries(wanted.flatMap((each) => Object.entries(each.secretVersions))),
      manifests:
        manifests === undefined || target.withManifests !== true ? null : [...manifests.namespace, ...manifests.app],
      objects: manifests === undefined ? [] : yield* objectChanges(target, spec, manifests)
    }
  })
