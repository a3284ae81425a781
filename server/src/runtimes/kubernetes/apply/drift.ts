import { Chunk, Effect, Option, Stream } from "effect"
import type { Drift, NamespaceKey } from "../../port/Runtime.ts"
import type { CacheChange, ClusterCache } from "../cache/ClusterCache.ts"
import { keyOfNamespace } from "../cache/namespaceKey.ts"
import type { ManagedFields, Metadata } from "../cache/objects.ts"
import type { Applied } from "./applied.ts"
import type { Requests } from "./binding.ts"
import { getMetadata } from "./lookup.ts"
import { type AppliedKind, idOf, managedKinds, type Place, placeOf } from "./managed.ts"
import { type FieldPath, fieldsOf, foreignFields, ownEntry, textOf, without } from "./managedFields.ts"

type ObjectMetadata = typeof Metadata.Type

export interface Edit {
  /** null: nobody knows who removed fields. */
  readonly manager: string | null
  readonly fields: ReadonlyArray<string>
}

/** The changes that others made to one of our objects. `lost`: fields that we owned after our last apply and no longer do. */
const editsOf = (
  kind: string,
  managedFields: ReadonlyArray<ManagedFields>,
  lost: ReadonlyArray<FieldPath>
): ReadonlyArray<Edit> => {
  const edits = new Map<string | null, Set<string>>()
  const add = (manager: string | null, path: FieldPath) => {
    const fields = edits.get(manager) ?? new Set()
    edits.set(manager, fields.add(textOf(path)))
  }
  for (const { fields, manager } of foreignFields(kind, managedFields)) for (const path of fields) add(manager, path)
  const own = ownEntry(managedFields)
  const others = managedFields
    .filter((managedField) => managedField !== own)
    .map((managedField) => ({ ...managedField, fields: fieldsOf(managedField.fieldsV1) }))
  for (const path of lost) {
    const taker = others.find((other) => without([path], other.fields).length === 0)
    add(taker?.manager ?? null, path)
  }
  return [...edits].map(([manager, fields]) => ({ manager, fields: [...fields].sort() }))
}

const isApplied = (kind: CacheChange["kind"]): kind is AppliedKind => Object.hasOwn(managedKinds, kind)

export interface DriftOptions {
  readonly api: Requests
  readonly cache: ClusterCache["Type"]
  readonly applied: Applied
}

interface Seen {
  readonly place: Place
  readonly key: NamespaceKey
  readonly metadata: ObjectMetadata
}

/** Reports other people's changes to our objects, from the cache. For one reader. */
export const makeDrift = ({ api, applied, cache }: DriftOptions): Stream.Stream<Drift> => {
  /** The last report about each drifted object: its status may change often without new drift. */
  const told = new Map<string, string>()

  const driftOf = ({ key, place }: Seen, change: Drift["change"], edit: Edit): Drift => {
    const { apiVersion, kind } = managedKinds[place.kind]
    return { key, object: { apiVersion, kind, name: place.name }, change, ...edit, at: new Date() }
  }

  const once = (seen: Seen, change: Drift["change"], edits: ReadonlyArray<Edit>): ReadonlyArray<Drift> => {
    const id = idOf(seen.place)
    if (edits.length === 0) {
      told.delete(id)
      return []
    }
    const now = JSON.stringify([seen.metadata.uid, change, edits])
    if (told.get(id) === now) return []
    told.set(id, now)
    return edits.map((edit) => driftOf(seen, change, edit))
  }

  const gone: Edit = { manager: null, fields: [] }

  /** To the watch, an object without our label looks deleted. */
  const unlabelled = (seen: Seen) =>
    Effect.gen(function* () {
      const { kind } = managedKinds[seen.place.kind]
      const there = yield* Effect.orElseSucceed(getMetadata(api, seen.place), () => Option.none<ObjectMetadata>())
      const same = Option.filter(
        there,
        (each) => each.uid === seen.metadata.uid && each.deletionTimestamp === undefined
      )
      if (Option.isNone(same)) return once(seen, "deleted", [gone])
      const own = ownEntry(seen.metadata.managedFields)
      const left = ownEntry(same.value.managedFields)
      const lost = without(
        own === undefined ? [] : fieldsOf(own.fieldsV1),
        left === undefined ? [] : fieldsOf(left.fieldsV1)
      )
      return once(seen, "edited", editsOf(kind, same.value.managedFields, lost))
    })

  /** Most changes are judged at once: a fiber for each of them would cost more than the judgement. */
  const judge = (change: CacheChange): ReadonlyArray<Drift> | Effect.Effect<ReadonlyArray<Drift>> => {
    const { deleted, kind, metadata, name, namespace } = change
    if (!isApplied(kind)) return []
    const place = placeOf(kind, namespace, name)
    const isNamespace = kind === "namespace"
    const around = isNamespace ? metadata : cache.namespace(namespace)
    const key = Option.flatMap(Option.fromNullable(around), keyOfNamespace)
    if (around === undefined || Option.isNone(key) || applied.hold(place, change)) return []
    const seen = { place, key: key.value, metadata }
    // The namespace is being deleted with everything in it: that isn't drift.
    if (!isNamespace && around.deletionTimestamp !== undefined) return []
    const ours = ownEntry(metadata.managedFields) !== undefined || applied.of(place)?.uid === metadata.uid
    if (!ours || applied.hasRemoved(metadata.uid)) return []
    if (deleted) return unlabelled(seen)
    if (metadata.deletionTimestamp !== undefined) return once(seen, "deleted", [gone])
    if (applied.isOld(place, metadata)) return []
    return once(seen, "edited", editsOf(managedKinds[kind].kind, metadata.managedFields, applied.lost(place, metadata)))
  }

  return Stream.merge(cache.changes, applied.released).pipe(
    Stream.mapChunksEffect((changes) =>
      Effect.forEach(
        Chunk.toReadonlyArray(changes)
          .map(judge)
          .filter((judged) => Effect.isEffect(judged) || judged.length > 0),
        (judged) => (Effect.isEffect(judged) ? judged : Effect.succeed(judged)),
        { concurrency: 8 }
      ).pipe(Effect.map((found) => Chunk.unsafeFromArray(found.flat())))
    )
  )
}
