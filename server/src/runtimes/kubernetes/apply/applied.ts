import { Effect } from "effect"
import type { Metadata } from "../cache/objects.ts"
import { type AppliedObject, appliedObject, isAsApplied, isFromBefore, lostFields } from "./appliedObject.ts"
import { makeHeldChanges } from "./heldChanges.ts"
import { idOf, type Place } from "./managed.ts"
import type { FieldPath } from "./managedFields.ts"

type ObjectMetadata = typeof Metadata.Type

/** Few shapes make many objects, so equal texts are stored once. */
const makeInterned = (limit: number) => {
  const texts = new Map<string, string>()
  return (text: string): string => {
    const kept = texts.get(text)
    if (kept !== undefined) return kept
    if (texts.size >= limit) texts.clear()
    texts.set(text, text)
    return text
  }
}

/**
 * Remembers what this process has applied and removed, to skip unchanged objects and to distinguish other people's changes from
 * ours. In memory only: after a restart we apply everything again, which writes nothing if nothing differs.
 */
export const makeApplied = Effect.gen(function* () {
  const objects = new Map<string, AppliedObject>()
  /** Uids of removed objects in order of removal; their events have long arrived for the old ones. */
  const removed = new Set<string>()
  const interned = makeInterned(2000)
  const held = yield* makeHeldChanges

  return {
    ...held,

    of: (place: Place): AppliedObject | undefined => objects.get(idOf(place)),

    record: (place: Place, digest: string, metadata: ObjectMetadata) => {
      const object = appliedObject(digest, metadata)
      objects.set(idOf(place), { ...object, own: interned(object.own) })
    },

    forget: (place: Place, uid: string | undefined) => {
      objects.delete(idOf(place))
      if (uid === undefined) return
      removed.add(uid)
      if (removed.size > 20_000) for (const first of removed) return removed.delete(first)
    },

    hasRemoved: (uid: string) => removed.has(uid),

    /** Is the object unchanged since our last apply of this digest? */
    isCurrent: (place: Place, digest: string, metadata: ObjectMetadata | undefined): boolean => {
      const before = objects.get(idOf(place))
      return before?.digest === digest && metadata !== undefined && isAsApplied(before, place, metadata)
    },

    /** Does this event predate our last apply of the object? */
    isOld: (place: Place, metadata: ObjectMetadata): boolean => {
      const before = objects.get(idOf(place))
      return before !== undefined && isFromBefore(before, metadata)
    },

    /** Fields that we owned after our last apply, and that somebody has taken or removed since. */
    lost: (place: Place, metadata: ObjectMetadata): ReadonlyArray<FieldPath> => {
      const before = objects.get(idOf(place))
      return before === undefined ? [] : lostFields(before, metadata)
    }
  }
})
export type Applied = Effect.Effect.Success<typeof makeApplied>
