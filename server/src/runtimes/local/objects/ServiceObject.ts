import type { Manifest } from "@maxcloud/synth"
import type { ServiceKey } from "../../port/Runtime.ts"
import type { LocalObject } from "./LocalObjects.ts"
import type { RevisionTemplate } from "./RevisionTemplate.ts"
import type { ServiceRecord } from "./ServiceRecord.ts"
import type { PinnedSecrets } from "./secretParts.ts"

/** A revision with the template of its instances. */
export interface RunnableRevision {
  readonly name: string
  readonly template: RevisionTemplate
  readonly pinned: PinnedSecrets
}

/** A service's object in memory. */
export interface ServiceObject {
  readonly key: ServiceKey
  readonly manifest: Manifest
  readonly generation: number
  readonly internal: boolean
  readonly paused: boolean
  readonly record: ServiceRecord
}

/** The stored form. */
export const storedOf = (object: ServiceObject): LocalObject => ({
  organizationId: object.key.organizationId,
  namespace: object.key.namespace,
  kind: object.manifest.kind,
  name: object.key.service,
  generation: object.generation,
  manifest: object.manifest,
  status: object.record
})
