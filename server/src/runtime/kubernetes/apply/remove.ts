import type { ObjectRef } from "@maxcloud/synth"
import { Effect, Option, Schedule } from "effect"
import { type NamespaceKey, RuntimeError } from "../../Runtime.ts"
import { pathOf } from "../api/kinds.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import type { Metadata } from "../cache/objects.ts"
import type { Applied } from "./applied.ts"
import type { Requests } from "./binding.ts"
import type { Lookup } from "./lookup.ts"
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
import { runtimeErrorOf } from "./refusal.ts"

const concurrency = 24
/** How long the cluster's garbage collector may take for what a Knative Service leaves behind. */
const collected = Schedule.spaced("50 millis").pipe(Schedule.upTo("60 seconds"))

export interface RemoverOptions {
  readonly api: Requests
  readonly cache: ClusterCache["Type"]
  readonly lookup: Lookup
  readonly applied: Applied
}

/** Deletes objects of ours, in the order opposite to apply. */
export const makeRemover = ({ api, applied, cache, lookup }: RemoverOptions) => {
  /** This object, and not one that somebody has put in its place since. */
  const removeOne = (place: Place, { uid }: typeof Metadata.Type) => {
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

  const removeStep = (key: NamespaceKey, step: ReadonlyArray<Target>) =>
    Effect.gen(function* () {
      const found = yield* lookup.find(step.map((_) => _.place))
      const services = step.filter(({ place }) => place.kind === "service").map((_) => _.place.name)
      const revisions = new Set(services.flatMap((_) => cache.revisionsOf(key.namespace, _)).map((_) => _.metadata.uid))
      yield* Effect.forEach(
        step,
        ({ place }) => {
          const metadata = found.get(idOf(place))
          return metadata === undefined || !isOurs(metadata, key, undefined) ? Effect.void : removeOne(place, metadata)
        },
        { concurrency, discard: true }
      )
      const left = () =>
        services.filter((service) =>
          cache.revisionsOf(key.namespace, service).some((_) => revisions.has(_.metadata.uid))
        )
      // As long as a revision stands, its pods are made anew.
      const still = yield* Effect.repeat(Effect.sync(left), { schedule: collected, until: (_) => _.length === 0 }).pipe(
        Effect.map(left)
      )
      if (still.length > 0) {
        const message = `revisions of ${still.map((_) => `"${key.namespace}/${_}"`).join(", ")} are still there: the cluster's garbage collector has not removed them yet; trying again`
        return yield* new RuntimeError({ reason: "unavailable", message })
      }
    })

  /**
   * Removes these objects as far as they are ours; others, and those that are gone, are left alone. Returns when Knative Services and
   * their revisions are gone: their pods take no requests any more, and may yet finish those they have.
   */
  return Effect.fn("Remover.remove")(function* (key: NamespaceKey, refs: ReadonlyArray<ObjectRef>) {
    const place = placeOf("namespace", "", key.namespace)
    const namespace = cache.namespace(key.namespace) ?? Option.getOrUndefined(yield* lookup.get(place))
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
