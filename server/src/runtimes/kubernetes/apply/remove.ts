import type { ObjectRef } from "@maxcloud/synth"
import { Data, Effect, Option, Schedule } from "effect"
import { within } from "../../../base/node/monotonic.ts"
import { kinds, pathOf } from "../../kubeApi/kinds.ts"
import { type NamespaceKey, RuntimeError } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import { isOwnKind } from "../cache/cacheMachine.ts"
import type { Metadata } from "../cache/objects.ts"
import type { Applied } from "./applied.ts"
import type { Requests } from "./binding.ts"
import { makePodEnder } from "./endPods.ts"
import { findMetadata, getMetadata, listMetadata } from "./lookup.ts"
import {
  appliedKindOf,
  idOf,
  inSteps,
  isOurNamespace,
  isOurs,
  managedKinds,
  namedOf,
  type Place,
  placeOf,
  type Target
} from "./managed.ts"
import { runtimeErrorOf, unreachableError } from "./refusal.ts"

type ObjectMetadata = typeof Metadata.Type

/** On revisions: the uid of their Knative Service (knative/serving, pkg/apis/serving, `ServiceUIDLabelKey`). */
const serviceUid = "serving.knative.dev/serviceUID"

const concurrency = 24
/** How long to wait for the cluster's garbage collector to remove what a Knative Service leaves behind. */
const collected = Schedule.spaced("100 millis").pipe(within("60 seconds"))

class RevisionsLeft extends Data.TaggedError("RevisionsLeft")<{ readonly names: ReadonlyArray<string> }> {}

export interface RemoverOptions {
  readonly api: Requests
  readonly cache: ClusterCache["Type"]
  readonly applied: Applied
}

/** Deletes our objects in the reverse order of apply. */
export const makeRemover = ({ api, applied, cache }: RemoverOptions) => {
  /** This object only, not a replacement that somebody has created since. */
  const removeOne = (place: Place, { uid }: ObjectMetadata) => {
    applied.forget(place, uid)
    return api
      .request({
        method: "DELETE",
        path: pathOf(managedKinds[place.kind], place.namespace, place.name),
        body: { kind: "DeleteOptions", apiVersion: "v1", preconditions: { uid }, propagationPolicy: "Background" }
      })
      .pipe(
        Effect.asVoid,
        Effect.catchAll((error) =>
          error.reason === "notFound" || error.reason === "conflict"
            ? Effect.void
            : runtimeErrorOf(api, namedOf(place))(error)
        )
      )
  }

  const endPods = makePodEnder({ api, cache, removeOne })

  /** As long as a revision exists, its pods are recreated. Returns the revisions left after a minute. */
  const revisionsLeft = (namespace: string, services: ReadonlyMap<string, string>) => {
    const isOf = ({ labels }: ObjectMetadata) => services.get(labels[serviceUid] ?? "") !== undefined
    const cached = Effect.sync(() =>
      [...services.values()]
        .flatMap((service) => cache.revisionsOf(namespace, service))
        .filter((object) => isOf(object.metadata))
    )
    // The cache may not have the newest ones yet.
    const left = Effect.flatMap(cached, (seen) =>
      seen.length > 0
        ? Effect.succeed(seen.map((object) => object.metadata.name))
        : Effect.map(listMetadata(api, kinds.revision, namespace), (all) => all.filter(isOf).map((each) => each.name))
    )
    return left.pipe(
      Effect.filterOrFail(
        (names) => names.length === 0,
        (names) => new RevisionsLeft({ names })
      ),
      Effect.retry({ schedule: collected, while: (error) => error._tag === "RevisionsLeft" }),
      Effect.catchTag("RevisionsLeft", ({ names }) => Effect.succeed(names))
    )
  }

  const removeStep = (key: NamespaceKey, step: ReadonlyArray<Target>) =>
    Effect.gen(function* () {
      const found = yield* findMetadata(
        api,
        cache,
        step.map((each) => each.place)
      )
      const ours = step.flatMap(({ place }) => {
        const metadata = found.get(idOf(place))
        return metadata !== undefined && isOurs(metadata, key) ? [{ place, metadata }] : []
      })
      const services = ours.filter(({ place }) => place.kind === "service")
      if (services.length > 0) {
        yield* endPods(
          key,
          services.map(({ place }) => place.name)
        )
      }
      yield* Effect.forEach(ours, ({ metadata, place }) => removeOne(place, metadata), { concurrency, discard: true })
      if (ours.some(({ place }) => isOwnKind(place.kind))) yield* Effect.ignore(cache.refresh(key.namespace))
      if (services.length === 0) return
      const byUid = new Map(services.map(({ metadata, place }) => [metadata.uid, place.name]))
      const left = yield* revisionsLeft(key.namespace, byUid)
      if (left.length > 0) {
        const away = yield* api.unreachableSince
        if (Option.isSome(away)) return yield* unreachableError(away.value, `${api.server} is unreachable`)
        const message = `The revisions ${left.join(", ")} in namespace "${key.namespace}" still exist: the cluster's garbage collector hasn't removed them within a minute. Retrying`
        return yield* new RuntimeError({ reason: "unavailable", message })
      }
    })

  /**
   * Removes those of these objects that are ours; foreign and absent ones are left alone. Returns when Knative Services and their
   * revisions are gone: their pods then accept no requests, but may still finish current ones (`endPods.ts`).
   */
  return Effect.fn("Remover.remove")(function* (key: NamespaceKey, refs: ReadonlyArray<ObjectRef>) {
    const place = placeOf("namespace", "", key.namespace)
    const namespace = cache.namespace(key.namespace) ?? Option.getOrUndefined(yield* getMetadata(api, place))
    if (namespace === undefined || !isOurNamespace(namespace, key)) return
    const targets = refs.flatMap((ref): ReadonlyArray<Target> => {
      const kind = appliedKindOf(ref)
      const { apiVersion, name } = ref
      const manifest = { apiVersion, kind: ref.kind, metadata: { name } }
      return kind === undefined ? [] : [{ place: placeOf(kind, key.namespace, name), manifest }]
    })
    for (const step of [...inSteps(targets)].reverse()) yield* removeStep(key, step)
  })
}
