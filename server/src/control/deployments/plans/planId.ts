import { createHash } from "node:crypto"
import type { AppSpecEncoded, Turns } from "@maxcloud/config-schema"
import { canonicalJson, PlanId } from "@maxcloud/sdk/api"
import type { Target } from "../../../base/words/Target.ts"
import type { AppManifests } from "../manifests/appManifests.ts"
import { digestOf } from "../manifests/PlatformKey.ts"

/** A plan's contents, besides the deployment that it is based on. */
export interface PlanContent {
  /** Digest of the target and the spec. */
  readonly spec: string
  /** Digest of the manifests, and so of everything they depend on: versions, digests, pauses, restarts, settings. */
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
 * The id of a plan. It differs if and only if the newest deployment's number (undefined: none), the spec or the manifests do. It
 * isn't stored: computed again, it is the same as long as deploying would apply what was planned. It contains the number and the
 * beginning of the spec's digest, so that a refusal can say which of them has changed.
 */
export const planIdOf = (basedOn: number | undefined, { manifests, spec }: PlanContent): PlanId => {
  const number = basedOn ?? 0
  return PlanId.make(`plan_${number}_${spec.slice(0, 8)}_${digestOf([number, spec, manifests])}`)
}

/** The readable parts of an id. */
export const readPlanId = (id: PlanId) => {
  const [, number = "0", spec = ""] = id.split("_")
  return { basedOn: number === "0" ? undefined : Number(number), spec }
}
