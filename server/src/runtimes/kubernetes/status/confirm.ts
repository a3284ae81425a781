import { label } from "@maxcloud/synth"
import { Effect, Option } from "effect"
import type { KubeApi } from "../../kubeApi/KubeApi.ts"
import { kinds } from "../../kubeApi/kinds.ts"
import type { ServiceKey } from "../../port/Runtime.ts"
import { getMetadata, listMetadata } from "../apply/lookup.ts"
import { placeOf } from "../apply/managed.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import type { MetadataObject } from "../cache/objects.ts"

type Metadata = MetadataObject["metadata"]

const versionsOf = (objects: ReadonlyArray<Metadata>) =>
  objects
    .map(({ resourceVersion, uid }) => `${uid} ${resourceVersion}`)
    .sort()
    .join()

/**
 * Does the cache have a service, its revisions and its pods as the cluster has them now? A watch may be behind: its connection broke
 * a moment ago, or it isn't back yet after an outage.
 */
export const makeConfirm =
  (api: KubeApi["Type"], cache: ClusterCache["Type"]) =>
  ({ namespace, service }: ServiceKey) =>
    Effect.gen(function* () {
      const isWatched = ({ labels }: Metadata) => labels["app.kubernetes.io/managed-by"] === "maxcloud"
      const own = { labelSelector: `app.kubernetes.io/managed-by=maxcloud,${label.service}=${service}` }
      const cached = [
        ...Option.toArray(Option.fromNullable(cache.metadataOf("service", namespace, service))),
        ...cache.revisionsOf(namespace, service).map((object) => object.metadata),
        ...cache.podsOf(namespace, service).map((object) => object.metadata)
      ]
      const [found, revisions, pods] = yield* Effect.all(
        [
          getMetadata(api, placeOf("service", namespace, service)),
          listMetadata(api, kinds.revision, namespace, own),
          listMetadata(api, kinds.pod, namespace, own)
        ],
        { concurrency: 3 }
      )
      const current = [...Option.toArray(found).filter(isWatched), ...revisions, ...pods]
      return versionsOf(cached) === versionsOf(current)
    })
