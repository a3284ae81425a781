import { Layer } from "effect"
import { KubeApi } from "../../src/runtimes/kubeApi/KubeApi.ts"
import { ClusterCache } from "../../src/runtimes/kubernetes/cache/ClusterCache.ts"

/** An empty cluster, but for what a test gives. Everything else of the API server dies. */
export const mockCluster = (api: Partial<KubeApi["Type"]>, cache: Partial<ClusterCache["Type"]>) =>
  Layer.merge(
    Layer.mock(KubeApi, { server: "https://fake", awaySince: () => 0, ...api }),
    Layer.mock(ClusterCache, {
      follows: () => true,
      service: () => undefined,
      revision: () => undefined,
      revisionsOf: () => [],
      podsOf: () => [],
      eventsOf: () => [],
      metadataOf: () => undefined,
      namespace: () => undefined,
      pods: () => [],
      sizes: () => ({}),
      ...cache
    })
  )
