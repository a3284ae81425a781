import { createHash } from "node:crypto"
import type { AppName } from "@maxcloud/config-schema"
import { Effect, Queue, Stream } from "effect"
import type { CacheChange } from "../cache/ClusterCache.ts"
import type { Metadata } from "../cache/objects.ts"
import { idOf, managedKinds, type Place } from "./managed.ts"
import { type FieldPath, fieldsOf, foreignFields, ownEntry, without } from "./managedFields.ts"

type ObjectMetadata = typeof Metadata.Type

/** An object as our last apply left it. */
export interface AppliedObject {
  /** The app that it was applied for; null for a namespace's own objects. */
  readonly app: AppName | null
  /** Of what was applied: equal digests, equal objects. */
  readonly digest: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation: number
  /** When our entry of its `managedFields` last changed by our own doing: takings of others do not move it. */
  readonly time: string
  /** `fieldsV1` of our entry. */
  readonly own: string
}

export const digestOf = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("base64")

const ownText = (metadata: ObjectMetadata) => JSON.stringify(ownEntry(metadata.managedFields)?.fieldsV1 ?? {})

const isOlder = (a: string, b: string) => /^\d+$/.test(a) && /^\d+$/.test(b) && BigInt(a) < BigInt(b)

/** Few shapes make many objects: equal texts are kept once. */
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
 * What this process has applied and removed, to skip what is as it should be and to tell others' doing from our own. In memory only:
 * after a restart all is applied again, which writes nothing where nothing differs.
 */
export const makeApplied = Effect.gen(function* () {
  const objects = new Map<string, AppliedObject>()
  const busy = new Map<string, number>()
  const held = new Map<string, CacheChange>()
  /** Uids of what we removed, in the order of removal; old ones have long been seen. */
  const removed = new Set<string>()
  const released = yield* Queue.sliding<CacheChange>(10_000)
  const interned = makeInterned(2000)

  const release = (id: string) =>
    Effect.suspend(() => {
      const left = (busy.get(id) ?? 1) - 1
      if (left > 0) return Effect.sync(() => void busy.set(id, left))
      busy.delete(id)
      const change = held.get(id)
      held.delete(id)
      return change === undefined ? Effect.void : Queue.offer(released, change)
    })

  return {
    of: (place: Place): AppliedObject | undefined => objects.get(idOf(place)),

    record: (place: Place, app: AppName | null, digest: string, metadata: ObjectMetadata) => {
      objects.set(idOf(place), {
        app,
        digest,
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
        generation: metadata.generation,
        time: ownEntry(metadata.managedFields)?.time ?? "",
        own: interned(ownText(metadata))
      })
    },

    forget: (place: Place, uid: string | undefined) => {
      objects.delete(idOf(place))
      if (uid === undefined) return
      removed.add(uid)
      if (removed.size > 20_000) for (const first of removed) return removed.delete(first)
    },

    hasRemoved: (uid: string) => removed.has(uid),

    /** Is the object what our last apply of this digest made of it? */
    isCurrent: (place: Place, digest: string, metadata: ObjectMetadata | undefined): boolean => {
      const before = objects.get(idOf(place))
      return (
        before !== undefined &&
        metadata !== undefined &&
        metadata.deletionTimestamp === undefined &&
        before.digest === digest &&
        before.uid === metadata.uid &&
        before.generation === metadata.generation &&
        before.time === ownEntry(metadata.managedFields)?.time &&
        before.own === ownText(metadata) &&
        foreignFields(managedKinds[place.kind].kind, metadata.managedFields).length === 0
      )
    },

    /** Is this news of the object from before our last apply? (Resource versions grow: KEP-5504.) */
    isOld: (place: Place, metadata: ObjectMetadata): boolean => {
      const before = objects.get(idOf(place))
      return (
        before !== undefined && before.uid === metadata.uid && isOlder(metadata.resourceVersion, before.resourceVersion)
      )
    },

    /** Fields that somebody took from us or removed. Another `time` says that a replica of ours has applied since: nothing is known then. */
    lost: (place: Place, metadata: ObjectMetadata): ReadonlyArray<FieldPath> => {
      const before = objects.get(idOf(place))
      const own = ownEntry(metadata.managedFields)
      if (before === undefined || before.uid !== metadata.uid || (own !== undefined && own.time !== before.time))
        return []
      return without(fieldsOf(JSON.parse(before.own)), own === undefined ? [] : fieldsOf(own.fieldsV1))
    },

    /** While this runs, changes of the object are held: they may be our own. */
    during: <A, E, R>(place: Place, effect: Effect.Effect<A, E, R>) => {
      const id = idOf(place)
      return Effect.acquireUseRelease(
        Effect.sync(() => busy.set(id, (busy.get(id) ?? 0) + 1)),
        () => effect,
        () => release(id)
      )
    },

    /** Keeps a change of an object that is being written, to be judged after. */
    hold: (place: Place, change: CacheChange): boolean => {
      const id = idOf(place)
      if (!busy.has(id)) return false
      held.set(id, change)
      return true
    },

    /** Changes that were held, for one reader. */
    released: Stream.fromQueue(released)
  }
})
export type Applied = Effect.Effect.Success<typeof makeApplied>
