import { createHash } from "node:crypto"
import type { Metadata } from "../cache/objects.ts"
import { managedKinds, type Place } from "./managed.ts"
import { type FieldPath, fieldsOf, foreignFields, ownEntry, without } from "./managedFields.ts"

type ObjectMetadata = typeof Metadata.Type

/** An object as our last apply left it. */
export interface AppliedObject {
  /** Digest of the applied object. Equal digests mean equal objects. */
  readonly digest: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation: number
  /** When we last changed our entry in its `managedFields`. It doesn't move when others take fields. */
  readonly time: string
  /** `fieldsV1` of our entry. */
  readonly own: string
}

export const digestOf = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("base64")

const ownText = (metadata: ObjectMetadata) => JSON.stringify(ownEntry(metadata.managedFields)?.fieldsV1 ?? {})

export const appliedObject = (digest: string, metadata: ObjectMetadata): AppliedObject => ({
  digest,
  uid: metadata.uid,
  resourceVersion: metadata.resourceVersion,
  generation: metadata.generation,
  time: ownEntry(metadata.managedFields)?.time ?? "",
  own: ownText(metadata)
})

/** Is the object unchanged since the apply, without foreign additions? */
export const isAsApplied = (before: AppliedObject, place: Place, metadata: ObjectMetadata): boolean =>
  metadata.deletionTimestamp === undefined &&
  before.uid === metadata.uid &&
  before.generation === metadata.generation &&
  before.time === ownEntry(metadata.managedFields)?.time &&
  before.own === ownText(metadata) &&
  foreignFields(managedKinds[place.kind].kind, metadata.managedFields).length === 0

const isOlder = (a: string, b: string) => /^\d+$/.test(a) && /^\d+$/.test(b) && BigInt(a) < BigInt(b)

/** Does this event predate the apply? (Resource versions grow: KEP-5504.) */
export const isFromBefore = (applied: AppliedObject, metadata: ObjectMetadata): boolean =>
  applied.uid === metadata.uid && isOlder(metadata.resourceVersion, applied.resourceVersion)

/**
 * Fields that somebody took from us or removed. If `time` differs, another of our replicas has applied since, and nothing is
 * known.
 */
export const lostFields = (before: AppliedObject, metadata: ObjectMetadata): ReadonlyArray<FieldPath> => {
  const own = ownEntry(metadata.managedFields)
  if (before.uid !== metadata.uid || (own !== undefined && own.time !== before.time)) return []
  return without(fieldsOf(JSON.parse(before.own)), own === undefined ? [] : fieldsOf(own.fieldsV1))
}
