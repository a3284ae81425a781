import type { ObjectKind } from "@maxcloud/config-schema"
import { Effect, Layer, Stream } from "effect"
import { Shards } from "../../base/replicas/Shards.ts"
import type { ServerSettings } from "../../base/settings/ServerConfig.ts"
import { ServerError } from "../../base/words/ServerError.ts"
import * as RegistryImages from "../../stores/images/RegistryImages.ts"
import { KnownOrganizations } from "../../tenancy/organizations/KnownOrganizations.ts"
import type { ClusterSource } from "../kubeApi/connect.ts"
import * as KubeApiLayer from "../kubeApi/HttpKubeApi.ts"
import { KubeApi } from "../kubeApi/KubeApi.ts"
import * as NetworkVerifier from "../network/KubernetesNetworkVerifier.ts"
import { layerNone as noRoutes } from "../port/LocalRoutes.ts"
import { NodePlatforms } from "../port/NodePlatforms.ts"
import { Platform } from "../port/Platform.ts"
import * as ClusterMemory from "./ClusterMemory.ts"
import * as ClusterCache from "./cache/WatchedCache.ts"
import * as ClusterHealth from "./clusterHealth.ts"
import { clusterPlatform } from "./clusterPlatform.ts"
import { externalSecretsKind } from "./externalSecretsKind.ts"
import { historyLayer } from "./historyLayer.ts"
import * as KubernetesRuntime from "./KubernetesRuntime.ts"
import * as KubernetesStores from "./kubernetesStores.ts"
import { KubernetesLogs } from "./logs/KubernetesLogs.ts"
import * as LogCollector from "./logs/LogCollector.ts"
import { nodePlatforms } from "./nodePlatforms.ts"
import * as Tracker from "./status/CacheTracker.ts"
import { warnOfStrangeClasses } from "./strangeClasses.ts"

/** A restarting API server is back by then, so a server that starts meanwhile doesn't give up. */
const startMillis = 60_000

const sourceOf = ({ kubeContext, kubeconfig }: ServerSettings): ClusterSource =>
  kubeconfig === undefined
    ? { type: "standard", context: kubeContext }
    : { type: "file", path: kubeconfig, context: kubeContext }

/** This installation's organizations on this replica: a cluster may have several installations. */
const ownedHere = Effect.gen(function* () {
  const shards = yield* Shards
  const known = yield* KnownOrganizations
  return (id: string) => shards.owns(id) && known.has(id)
})

const collector = Layer.unwrapEffect(
  Effect.gen(function* () {
    const shards = yield* Shards
    const known = yield* KnownOrganizations
    return LogCollector.layer({
      owns: yield* ownedHere,
      ownershipChanges: Stream.merge(shards.changes, known.changes)
    })
  })
)

/** Everything that is specific to running services on a Kubernetes cluster. */
export const kubernetesLayer = (settings: ServerSettings) => {
  const allowed = (kind: ObjectKind) => settings.manifestRules.some((rule) => rule.kind === kind)
  const appObjects = [
    ...(allowed("ConfigMap") ? (["configMap"] as const) : []),
    ...(allowed("PodDisruptionBudget") ? (["podDisruptionBudget"] as const) : [])
  ]
  const cluster = Layer.unwrapEffect(
    Effect.map(ownedHere, (owns) =>
      ClusterCache.layerWith({
        externalSecrets: settings.externalSecretStore !== undefined,
        appObjects,
        sweep: { owns }
      })
    )
  ).pipe(
    Layer.provideMerge(externalSecretsKind(settings)),
    Layer.provideMerge(KubeApiLayer.layer({ source: sourceOf(settings), startMillis }))
  )
  const platform = Layer.scoped(
    Platform,
    Effect.zipLeft(clusterPlatform(settings), warnOfStrangeClasses(settings.runtimeClass))
  )
  const images = Layer.unwrapEffect(
    Effect.map(KubeApi, (api) => {
      const platforms = nodePlatforms(api)
      return Layer.merge(RegistryImages.layer({ ...settings, platforms }), Layer.succeed(NodePlatforms, platforms()))
    })
  )
  const logs = Layer.mergeAll(KubernetesLogs.layer, collector, KubernetesStores.layer).pipe(
    Layer.provide(historyLayer(settings))
  )
  const parts = Layer.mergeAll(
    KubernetesRuntime.layer,
    images,
    noRoutes,
    NetworkVerifier.layer(settings),
    ClusterHealth.layer
  )
  return parts.pipe(
    Layer.provideMerge(platform),
    Layer.provide(Layer.provide(Tracker.layer, ClusterMemory.layer())),
    Layer.provideMerge(logs),
    Layer.provide(cluster),
    Layer.mapError((error) =>
      error._tag === "ClusterConfigError" ? new ServerError({ reason: "runtime", message: error.message }) : error
    )
  )
}
