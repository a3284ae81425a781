import { ServiceName } from "@maxcloud/config-schema"
import { label } from "@maxcloud/synth"
import { Clock, Effect, Option, Schema, Stream } from "effect"
import type { KubeApi } from "../../kubeApi/KubeApi.ts"
import { kinds } from "../../kubeApi/kinds.ts"
import { freshMillis, type Happening } from "../../port/Happening.ts"
import type { ServiceKey } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import { keyOfNamespace } from "../cache/namespaceKey.ts"
import { EventObject, type PodObject } from "../cache/objects.ts"
import { podHappenings } from "./podHappenings.ts"
import { type Pull, pullOf } from "./pullOf.ts"

const isServiceName = Schema.is(ServiceName)
const decodeEvent = Schema.decodeUnknownOption(EventObject)

/**
 * Pulls in the whole cluster. Kubelets report them only as events of type Normal, which the watch of warnings leaves out, so this
 * is one more connection. Nothing of it stays in memory.
 */
const pullsOf = (api: KubeApi["Type"]): Stream.Stream<Pull> =>
  api
    .watch({
      kind: kinds.event,
      fieldSelector: "reason=Pulled,involvedObject.kind=Pod",
      decode: (object) => Option.map(decodeEvent(object), pullOf)
    })
    .pipe(
      Stream.map((event) => (event.type === "list" ? event.objects : event.type === "put" ? [event.object] : [])),
      Stream.flattenIterables,
      Stream.filterMap(Option.fromNullable)
    )

/** What happens to the pods of our services: from their statuses, and from the kubelets' events about pulled images. */
export const makeHappenings = (api: KubeApi["Type"], cache: ClusterCache["Type"]): Stream.Stream<Happening> => {
  const keyOf = (namespace: string, service: string | undefined): ServiceKey | undefined => {
    const around = cache.namespace(namespace)
    const key = around === undefined ? undefined : Option.getOrUndefined(keyOfNamespace(around))
    return key === undefined || !isServiceName(service) ? undefined : { ...key, service }
  }

  const ofPod = (pod: PodObject): ReadonlyArray<Happening> => {
    const { labels, namespace } = pod.metadata
    const key = keyOf(namespace, labels[label.service])
    return key === undefined ? [] : podHappenings(pod, key, labels[label.revision] ?? "")
  }

  /**
   * Revision and service of a pod, by its labels. The name is only for a pod that is gone: Knative and Kubernetes shorten long names
   * (by a hash, and to 58 characters before the suffix).
   */
  const ownerOf = (namespace: string, pod: string) => {
    const labels = cache.metadataOf("pod", namespace, pod)?.labels
    const revision = labels?.[label.revision] ?? pod.replace(/-deployment-[^-]+-[^-]+$/, "")
    const service = labels?.[label.service] ?? cache.revision(namespace, revision)?.metadata.labels[label.service]
    return { revision, service }
  }

  const ofPull = ({ at, id, namespace, pod, ...pull }: Pull): ReadonlyArray<Happening> => {
    const { revision, service } = ownerOf(namespace, pod)
    const key = keyOf(namespace, service)
    return key === undefined ? [] : [{ type: "image.pulled", key, id: `pull/${id}`, at, facts: { revision, ...pull } }]
  }

  const first = Stream.fromEffect(cache.synced).pipe(Stream.flatMap(() => Stream.fromIterable([...cache.pods()])))
  const later = cache.changes.pipe(
    Stream.filterMap(({ deleted, kind, name, namespace, service }) =>
      deleted || kind !== "pod" || service === undefined
        ? Option.none()
        : Option.fromNullable(cache.podsOf(namespace, service).find(({ metadata }) => metadata.name === name))
    )
  )
  const pulls = Stream.flatMap(Stream.fromEffect(cache.synced), () => pullsOf(api))
  return Stream.merge(Stream.map(Stream.merge(first, later), ofPod), Stream.map(pulls, ofPull)).pipe(
    Stream.flattenIterables,
    Stream.filterEffect(({ at }) => Effect.map(Clock.currentTimeMillis, (now) => now - at.getTime() < freshMillis))
  )
}
