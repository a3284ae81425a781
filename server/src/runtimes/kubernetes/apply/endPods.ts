import { endOfPod, type InstanceEnd } from "@maxcloud/synth"
import { Data, Effect, Option, Schedule } from "effect"
import { kinds, pathOf } from "../../kubeApi/kinds.ts"
import type { NamespaceKey, RuntimeError } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import type { Metadata } from "../cache/objects.ts"
import type { Requests } from "./binding.ts"
import { getMetadata, listMetadata } from "./lookup.ts"
import { isOurs, type Place, placeOf } from "./managed.ts"
import { runtimeErrorOf } from "./refusal.ts"

type ObjectMetadata = typeof Metadata.Type

/** Knative's, on pods. */
const serviceLabel = "serving.knative.dev/service"
const revisionLabel = "serving.knative.dev/revision"

/** A program gets SIGTERM once queue-proxy hasn't seen a request for this long (knative/serving, `drainSleepDuration`). */
const quietMillis = 30_000
/** Knative's default `timeoutSeconds`, for a pod whose revision isn't known. */
const usualTimeoutMillis = 300_000

const concurrency = 24
/** A replacement can only appear while the ServiceAccount is in the API server's cache, for milliseconds. */
const rounds = Schedule.spaced("50 millis").pipe(Schedule.intersect(Schedule.recurs(5)))

class PodsLeft extends Data.TaggedError("PodsLeft") {}

/** From a pod's deletion to SIGKILL, in whole seconds: time for open requests, then the grace period. At most its `timeout`. */
export const secondsUntilKilled = ({ graceMs, removalDrainMs }: InstanceEnd, timeoutMillis: number): number =>
  Math.ceil(Math.min(timeoutMillis, Math.max(quietMillis, removalDrainMs) + graceMs) / 1000)

export interface PodEnderOptions {
  readonly api: Requests
  readonly cache: ClusterCache["Type"]
  readonly removeOne: (place: Place, metadata: ObjectMetadata) => Effect.Effect<void, RuntimeError>
}

/**
 * Deletes the pods of services before their Knative Services, each with the grace period that it asks for, or the usual one. The garbage collector would give each pod the
 * service's `timeout`, so a program that ignores SIGTERM would hold its CPU and memory for five minutes. It must be the pods' first deletion: the
 * kubelet reads the grace period once, and a later, shorter one doesn't interrupt a kill in progress (kubernetes/kubernetes#113606).
 *
 * The ServiceAccounts go first. Without them, the API server refuses new pods, so the ReplicaSets can't replace the deleted ones.
 */
export const makePodEnder = ({ api, cache, removeOne }: PodEnderOptions) => {
  const removeAccount = (key: NamespaceKey, service: string) => {
    const place = placeOf("serviceAccount", key.namespace, service)
    return Effect.flatMap(getMetadata(api, place), (found) =>
      Option.isSome(found) && isOurs(found.value, key) ? removeOne(place, found.value) : Effect.void
    )
  }

  const timeoutOf = ({ labels, namespace }: ObjectMetadata) => {
    const revisions = cache.revisionsOf(namespace, labels[serviceLabel] ?? "")
    const known = revisions.find(({ metadata }) => metadata.name === labels[revisionLabel])?.spec.timeoutSeconds ?? 0
    return known === 0 ? usualTimeoutMillis : known * 1000
  }

  const secondsOf = (pod: ObjectMetadata) => {
    const timeoutMillis = timeoutOf(pod)
    return secondsUntilKilled(endOfPod(pod.annotations, timeoutMillis), timeoutMillis)
  }

  const deletePod = (pod: ObjectMetadata) =>
    api
      .request({
        method: "DELETE",
        path: pathOf(kinds.pod, pod.namespace, pod.name),
        body: {
          kind: "DeleteOptions",
          apiVersion: "v1",
          preconditions: { uid: pod.uid },
          gracePeriodSeconds: secondsOf(pod)
        }
      })
      .pipe(
        Effect.asVoid,
        Effect.catchAll((error) =>
          error.reason === "notFound" || error.reason === "conflict"
            ? Effect.void
            : runtimeErrorOf(api, { kind: "Pod", namespace: pod.namespace, name: pod.name })(error)
        )
      )

  return (key: NamespaceKey, services: ReadonlyArray<string>): Effect.Effect<void, RuntimeError> => {
    const isOfThese = new Set(services)
    const endAll = Effect.gen(function* () {
      const pods = (yield* listMetadata(api, kinds.pod, key.namespace)).filter(
        ({ deletionTimestamp, labels }) => deletionTimestamp === undefined && isOfThese.has(labels[serviceLabel] ?? "")
      )
      if (pods.length === 0) return
      yield* Effect.forEach(pods, deletePod, { concurrency, discard: true })
      return yield* new PodsLeft()
    })
    return Effect.forEach(services, (service) => removeAccount(key, service), { concurrency, discard: true }).pipe(
      Effect.zipRight(Effect.retry(endAll, { schedule: rounds, while: (error) => error._tag === "PodsLeft" })),
      // Whatever is left gets its service's `timeout`.
      Effect.catchTag("PodsLeft", () => Effect.void)
    )
  }
}
