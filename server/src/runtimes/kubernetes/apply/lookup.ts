import { diagnosisOf } from "@maxcloud/sdk/api"
import { Effect, Option, Schema } from "effect"
import type { KubeError } from "../../kubeApi/KubeApi.ts"
import { type Kind, pathOf } from "../../kubeApi/kinds.ts"
import { type NamespaceKey, RuntimeError } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import { KubeCondition, type Metadata, MetadataObject } from "../cache/objects.ts"
import type { Requests } from "./binding.ts"
import {
  idOf,
  isOurNamespace,
  managedKinds,
  metadataOnly,
  metadataOnlyList,
  namedOf,
  ownerOf,
  type Place,
  placeOf
} from "./managed.ts"
import { type Named, nameOf, runtimeErrorOf } from "./refusal.ts"

type ObjectMetadata = typeof Metadata.Type

const decodeObject = Schema.decodeUnknown(MetadataObject)
/** `items` of an empty list of `PartialObjectMetadata` is null. */
const decodeList = Schema.decodeUnknown(Schema.Struct({ items: Schema.NullOr(Schema.Array(MetadataObject)) }))
const decodeStatus = Schema.decodeUnknownOption(
  Schema.Struct({
    status: Schema.Struct({ conditions: Schema.optionalWith(Schema.Array(KubeCondition), { default: () => [] }) })
  })
)

export const unreadable = (object: Named) => (cause: unknown) =>
  new RuntimeError({ reason: "unavailable", message: `${nameOf(object)}: its metadata cannot be read`, cause })

/** From so many objects of a kind on, one list is cheaper than a request for each. */
const listFrom = 8

/** Reads of what the cache does not hold: it sees only what carries our label. */
export const makeLookup = (api: Requests, cache: ClusterCache["Type"]) => {
  const failed = (place: Place) => runtimeErrorOf(api, namedOf(place))
  const absent = (error: KubeError) => error.reason === "notFound"

  /** The metadata of an object in the cluster, whoever made it. */
  const get = (place: Place): Effect.Effect<Option.Option<ObjectMetadata>, RuntimeError> =>
    api
      .request({
        method: "GET",
        path: pathOf(managedKinds[place.kind], place.namespace, place.name),
        accept: metadataOnly
      })
      .pipe(
        Effect.catchAll((error) => (absent(error) ? Effect.succeed(undefined) : failed(place)(error))),
        Effect.flatMap((found) =>
          found === undefined
            ? Effect.succeedNone
            : decodeObject(found).pipe(
                Effect.mapBoth({ onFailure: unreadable(namedOf(place)), onSuccess: (_) => Option.some(_.metadata) })
              )
        )
      )

  /** Metadata of a namespace's objects of a kind. */
  const list = (kind: Kind, namespace: string, query: Readonly<Record<string, string>> = {}) => {
    const named = { kind: kind.kind, namespace, name: "*" }
    return api.request({ method: "GET", path: pathOf(kind, namespace), query, accept: metadataOnlyList }).pipe(
      Effect.catchAll(runtimeErrorOf(api, named)),
      Effect.flatMap((found) => Effect.mapError(decodeList(found), unreadable(named))),
      Effect.map(({ items }) => (items ?? []).map((_) => _.metadata))
    )
  }

  /** Metadata of these objects as far as they exist, by `idOf`: from the cache, and of the others from the API server. */
  const find = (places: ReadonlyArray<Place>): Effect.Effect<ReadonlyMap<string, ObjectMetadata>, RuntimeError> =>
    Effect.gen(function* () {
      const found = new Map<string, ObjectMetadata>()
      const unknown = new Map<string, Array<Place>>()
      for (const place of places) {
        const metadata = cache.metadataOf(place.kind, place.namespace, place.name)
        if (metadata === undefined) {
          const group = `${place.kind}/${place.namespace}`
          const others = unknown.get(group)
          if (others === undefined) unknown.set(group, [place])
          else others.push(place)
        } else found.set(idOf(place), metadata)
      }
      const lookUp = (group: ReadonlyArray<Place>) =>
        Effect.gen(function* () {
          const [first] = group
          if (first === undefined) return
          if (group.length >= listFrom && first.namespace !== "") {
            const listed = new Map((yield* list(managedKinds[first.kind], first.namespace)).map((_) => [_.name, _]))
            for (const place of group) {
              const metadata = listed.get(place.name)
              if (metadata !== undefined) found.set(idOf(place), metadata)
            }
            return
          }
          for (const place of group) {
            const metadata = yield* get(place)
            if (Option.isSome(metadata)) found.set(idOf(place), metadata.value)
          }
        })
      yield* Effect.forEach(unknown.values(), lookUp, { concurrency: 8, discard: true })
      return found
    })

  /** Why a namespace that is being deleted is still there (Kubernetes, NamespaceConditionType). */
  const heldBy = (name: string) =>
    api.request({ method: "GET", path: pathOf(managedKinds.namespace, undefined, name) }).pipe(
      Effect.map((object) =>
        Option.match(decodeStatus(object), {
          onNone: () => [],
          onSome: ({ status }) =>
            status.conditions.filter((_) => _.status === "True").map((_) => `${_.type}: ${_.message}`)
        })
      ),
      Effect.orElseSucceed((): ReadonlyArray<string> => [])
    )

  /** Our namespace; none where there is no such one. One of somebody else, or one that is being deleted, is an error. */
  const namespaceOf = (key: NamespaceKey): Effect.Effect<Option.Option<ObjectMetadata>, RuntimeError> =>
    Effect.gen(function* () {
      const place = placeOf("namespace", "", key.namespace)
      const known = Option.fromNullable(cache.namespace(key.namespace))
      const metadata = Option.isSome(known) ? known : yield* get(place)
      if (Option.isNone(metadata)) return metadata
      if (!isOurNamespace(metadata.value, key)) {
        const owner = ownerOf(metadata.value)
        const message = `${nameOf(namedOf(place))} exists and is not of organization "${key.organization}" (${key.organizationId}): ${owner}. It is not touched`
        const diagnosis = diagnosisOf("NameTaken", message, [owner])
        return yield* new RuntimeError({ reason: "refused", message, diagnosis })
      }
      if (metadata.value.deletionTimestamp !== undefined) {
        const held = yield* heldBy(key.namespace)
        const why = held.length === 0 ? "" : ` (${held.join("; ")})`
        const message = `${nameOf(namedOf(place))} is being deleted since ${metadata.value.deletionTimestamp}; waiting until it is gone${why}`
        const diagnosis = diagnosisOf("NamespaceTerminating", message, held)
        return yield* new RuntimeError({ reason: "unavailable", message, diagnosis })
      }
      return metadata
    })

  return { get, list, find, namespaceOf }
}
export type Lookup = ReturnType<typeof makeLookup>
