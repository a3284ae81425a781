import { diagnosisOf } from "@maxcloud/sdk/api"
import type { Manifest } from "@maxcloud/synth"
import { Effect } from "effect"
import { type NamespaceKey, RuntimeError } from "../../port/Runtime.ts"
import type { Metadata } from "../cache/objects.ts"
import { appliedKindOf, namedOf, organizationIdLabel, ownerOf, type Place, placeOf, type Target } from "./managed.ts"
import { nameOf } from "./refusal.ts"

/** Manifests with their places; the Namespace gets the organization's id. */
export const targetsOf = (
  key: NamespaceKey,
  manifests: ReadonlyArray<Manifest>
): Effect.Effect<ReadonlyArray<Target>, RuntimeError> =>
  Effect.forEach(manifests, (manifest) => {
    const kind = appliedKindOf(manifest)
    if (kind === undefined) {
      const message = `${manifest.apiVersion} ${manifest.kind} "${manifest.metadata.name}": objects of this kind can't be applied`
      return Effect.fail(new RuntimeError({ reason: "refused", message }))
    }
    const place = placeOf(kind, key.namespace, manifest.metadata.name)
    if (kind !== "namespace") return Effect.succeed({ place, manifest })
    const labels = { ...manifest.metadata.labels, [organizationIdLabel]: key.organizationId }
    return Effect.succeed({ place, manifest: { ...manifest, metadata: { ...manifest.metadata, labels } } })
  })

export const nameTaken = (place: Place, metadata: typeof Metadata.Type): RuntimeError => {
  const owner = ownerOf(metadata)
  const message = `${nameOf(namedOf(place))} exists and belongs to somebody else: ${owner}. It wasn't changed`
  return new RuntimeError({ reason: "refused", message, diagnosis: diagnosisOf("NameTaken", message, [owner]) })
}
