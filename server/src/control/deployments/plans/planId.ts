import { createHash } from "node:crypto"
import type { AppSpecEncoded, Turns } from "@maxcloud/config-schema"
import { canonicalJson, PlanId } from "@maxcloud/sdk/api"
import type { Target } from "../../../base/words/Target.ts"
import type { AppManifests } from "../manifests/appManifests.ts"
import { digestOf } from "../manifests/PlatformKey.ts"

/** What a plan is of, besides the deployment that it is based on. */
export interface PlanContent {
  /** Digest of the place and the spec. */
  readonly spec: string
  /** Digest of the manifests, and so of all that they are made from: versions, digests, pauses, restarts, settings. */
  readonly manifests: string
}

export function* planContent(
  { app, organization, stage }: Target,
  encoded: AppSpecEncoded,
  manifests: Pick<AppManifests, "app" | "namespace">
): Turns<PlanContent> {
  const { services, ...rest } = encoded
  const spec = createHash("sha256").update(canonicalJson([organization.id, app, stage, rest]))
  for (const service of services) {
    yield
    spec.update(`\n${canonicalJson(service)}`)
  }
  const made = createHash("sha256")
  for (const manifest of [...manifests.namespace, ...manifests.app]) {
    yield
    made.update(`${canonicalJson(manifest)}\n`)
  }
  return { spec: spec.digest("hex"), manifests: made.digest("hex") }
}

/**
 * The id of a plan: it differs if and only if the newest deployment's number (undefined: there is none), the spec or the manifests do. It is stored
 * nowhere: computed again, it is the same as long as what was planned is what would be applied. The number and the beginning of the spec's
 * digest stand in it so that a refusal can say which of them has changed.
 */
export const planIdOf = (basedOn: number | undefined, { manifests, spec }: PlanContent): PlanId => {
  const number = basedOn ?? 0
  return PlanId.make(`plan_${number}_${spec.slice(0, 8)}_${digestOf([number, spec, manifests])}`)
}

/** The parts of an id that can be read from it. */
export const readPlanId = (id: PlanId) => {
  const [, number = "0", spec = ""] = id.split("_")
  return { basedOn: number === "0" ? undefined : Number(number), spec }
}
