import type { ServiceName } from "@maxcloud/config-schema"
import { Context, type Effect, type Stream } from "effect"
import type { KubeError } from "../../kubeApi/KubeApi.ts"
import type { EventObject, KnativeServiceObject, MetadataObject, PodObject, RevisionObject } from "./objects.ts"

/**
 * Kinds whose labelled objects are kept, all but the first three only as metadata. Secrets and an app's own objects are listed
 * in our namespaces (`sweep.ts`): the server may not read those of others (operator/cluster/clusterRoles.ts). All others are
 * watched in the whole cluster, with one connection for each kind.
 */
export type ManagedKind =
  | "service"
  | "revision"
  | "pod"
  | "namespace"
  | "networkPolicy"
  | "serviceAccount"
  | "secret"
  | "externalSecret"
  | "configMap"
  | "podDisruptionBudget"
  | "resourceQuota"
  | "limitRange"

/** Something about an object has changed: look at it again. */
export interface CacheChange {
  readonly kind: ManagedKind | "route" | "event"
  readonly namespace: string
  readonly name: string
  /** Its service by our label; undefined for the namespace's own objects. */
  readonly service: ServiceName | undefined
  readonly deleted: boolean
  /** Current or last metadata of an object of a managed kind. */
  readonly metadata: MetadataObject["metadata"]
}

/**
 * Our objects in the cluster (label `app.kubernetes.io/managed-by: maxcloud`), in memory, from one watch per kind for all
 * tenants. Reads use indexes and answer at once; none scans all objects.
 */
export class ClusterCache extends Context.Tag("@maxcloud/server/ClusterCache")<
  ClusterCache,
  {
    /**
     * Does the cache have this kind? ExternalSecrets if the server creates them, because other clusters may lack the kind; an
     * app's own objects if the operator allows their kind; none that the server lacks the right to watch.
     */
    readonly follows: (kind: ManagedKind) => boolean
    /** Returns when every watched kind has been listed once. A kind that the server may not read delays nobody. */
    readonly synced: Effect.Effect<void>
    /** Lists the kinds of a namespace that aren't watched: Secrets and an app's own objects. */
    readonly refresh: (namespace: string) => Effect.Effect<void, KubeError>
    readonly service: (namespace: string, name: string) => KnativeServiceObject | undefined
    readonly revision: (namespace: string, name: string) => RevisionObject | undefined
    readonly revisionsOf: (namespace: string, service: string) => ReadonlyArray<RevisionObject>
    readonly podsOf: (namespace: string, service: string) => ReadonlyArray<PodObject>
    /** Warnings about an object of a namespace, oldest first. Keeps the newest 20 for at most an hour. */
    readonly eventsOf: (
      namespace: string,
      involved: { readonly kind: string; readonly name: string }
    ) => ReadonlyArray<EventObject>
    readonly metadataOf: (kind: ManagedKind, namespace: string, name: string) => MetadataObject["metadata"] | undefined
    /** The organization, app and stage of a namespace, by its labels. */
    readonly namespace: (name: string) => MetadataObject["metadata"] | undefined
    readonly pods: () => Iterable<PodObject>
    /**
     * Each subscriber gets all changes from its subscription on. Slow subscribers don't block: they get several changes of the
     * same object as one.
     */
    readonly changes: Stream.Stream<CacheChange>
    /** The number of stored objects of each kind, for metrics. */
    readonly sizes: () => Readonly<Record<string, number>>
  }
>() {}
