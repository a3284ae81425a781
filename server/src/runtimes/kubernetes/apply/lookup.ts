import { Array, Effect, Option, Schema } from "effect"
import { type Kind, pathOf } from "../../kubeApi/kinds.ts"
import { RuntimeError } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import { type Metadata, MetadataObject } from "../cache/objects.ts"
import type { Requests } from "./binding.ts"
import { idOf, managedKinds, metadataOnly, metadataOnlyList, namedOf, type Place } from "./managed.ts"
import { type Named, nameOf, runtimeErrorOf } from "./refusal.ts"

type ObjectMetadata = typeof Metadata.Type

export interface MetadataQuery {
  readonly limit?: string
  readonly labelSelector?: string
}

const decodeObject = Schema.decodeUnknown(MetadataObject)
/** `items` is null in an empty list of `PartialObjectMetadata`. */
const decodeList = Schema.decodeUnknown(Schema.Struct({ items: Schema.NullOr(Schema.Array(MetadataObject)) }))

export const unreadable = (object: Named) => (cause: unknown) =>
  new RuntimeError({ reason: "unavailable", message: `${nameOf(object)}: its metadata is unreadable`, cause })

/** From this many objects of a kind, one list is cheaper than a request for each. */
const listFrom = 8

/** The metadata in an answer about an object. */
export const metadataIn = (place: Place, answer: unknown): Effect.Effect<ObjectMetadata, RuntimeError> =>
  decodeObject(answer).pipe(
    Effect.mapBoth({ onFailure: unreadable(namedOf(place)), onSuccess: ({ metadata }) => metadata })
  )

/** The metadata of an object in the cluster, whoever created it. */
export const getMetadata = (api: Requests, place: Place): Effect.Effect<Option.Option<ObjectMetadata>, RuntimeError> =>
  api
    .request({
      method: "GET",
      path: pathOf(managedKinds[place.kind], place.namespace, place.name),
      accept: metadataOnly
    })
    .pipe(
      Effect.catchAll((error) =>
        error.reason === "notFound" ? Effect.succeed(undefined) : runtimeErrorOf(api, namedOf(place))(error)
      ),
      Effect.flatMap((found) => (found === undefined ? Effect.succeedNone : Effect.asSome(metadataIn(place, found))))
    )

/** Metadata of all objects of a kind in a namespace, or of the first ones. */
export const listMetadata = (api: Requests, kind: Kind, namespace: string, query: MetadataQuery = {}) => {
  const named = { kind: kind.kind, namespace, name: "*" }
  return api
    .request({ method: "GET", path: pathOf(kind, namespace), accept: metadataOnlyList, query: { ...query } })
    .pipe(
      Effect.catchAll(runtimeErrorOf(api, named)),
      Effect.flatMap((found) => Effect.mapError(decodeList(found), unreadable(named))),
      Effect.map(({ items }) => (items ?? []).map((object) => object.metadata))
    )
}

type Found = readonly [id: string, metadata: ObjectMetadata]

/** Looks up objects of one kind in one namespace with a single request. */
const findTogether = (
  api: Requests,
  places: Array.NonEmptyArray<Place>
): Effect.Effect<ReadonlyArray<Found>, RuntimeError> =>
  Effect.gen(function* () {
    const [{ kind, namespace }] = places
    if (places.length < listFrom || namespace === "") {
      const found = yield* Effect.forEach(places, (place) =>
        Effect.map(
          getMetadata(api, place),
          Option.map((found): Found => [idOf(place), found])
        )
      )
      return Array.getSomes(found)
    }
    const listed = new Map((yield* listMetadata(api, managedKinds[kind], namespace)).map((each) => [each.name, each]))
    return places.flatMap((place): ReadonlyArray<Found> => {
      const metadata = listed.get(place.name)
      return metadata === undefined ? [] : [[idOf(place), metadata]]
    })
  })

/**
 * Metadata of the existing ones of these objects, by `idOf`: from the cache, and for the rest from the API server, because the
 * cache contains only objects with our label.
 */
export const findMetadata = (
  api: Requests,
  cache: ClusterCache["Type"],
  places: ReadonlyArray<Place>
): Effect.Effect<ReadonlyMap<string, ObjectMetadata>, RuntimeError> =>
  Effect.gen(function* () {
    const cached = new Map<string, ObjectMetadata>()
    const unknown: Array<Place> = []
    for (const place of places) {
      const metadata = cache.metadataOf(place.kind, place.namespace, place.name)
      if (metadata === undefined) unknown.push(place)
      else cached.set(idOf(place), metadata)
    }
    const groups = Object.values(Array.groupBy(unknown, ({ kind, namespace }) => `${kind}/${namespace}`))
    const found = yield* Effect.forEach(groups, (group) => findTogether(api, group), { concurrency: 8 })
    return new Map([...cached, ...found.flat()])
  })
