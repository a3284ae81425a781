import type { ServiceName } from "@maxcloud/config-schema"
import { Context, type Effect, type Stream } from "effect"
import type { EventObject, KnativeServiceObject, MetadataObject, PodObject, RevisionObject } from "./objects.ts"

/**
 * Kinds of which every object with our label is watched. Of all but the first three only metadata is kept. Secrets and objects of an app's own
 * are watched namespace by namespace, in those that are ours and once the server's RoleBinding is there (403 before): it may not read those of
 * others (operator/cluster/clusterRoles.ts).
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
  /** The service that it belongs to by our label; undefined for the namespace's own objects. */
  readonly service: ServiceName | undefined
  readonly deleted: boolean
  /** Metadata of an object of a managed kind, as it is or was last. */
  readonly metadata: MetadataObject["metadata"]
}

/**
 * The cluster's objects that are ours (label `app.kubernetes.io/managed-by: maxcloud`), in memory, kept by one watch per kind for all tenants.
 * Reads answer at once, and by index: none walks over all objects.
 */
export class ClusterCache extends Context.Tag("@maxcloud/server/ClusterCache")<
  ClusterCache,
  {
    /**
     * Is this kind watched? ExternalSecrets are where the server makes them, since elsewhere the cluster may not have the kind; objects of an app's
     * own if the operator allows their kind.
     */
    readonly follows: (kind: ManagedKind) => boolean
    /** Returns when every kind has been listed once. */
    readonly synced: Effect.Effect<void>
    readonly service: (namespace: string, name: string) => KnativeServiceObject | undefined
    readonly revisionsOf: (namespace: string, service: string) => ReadonlyArray<RevisionObject>
    readonly podsOf: (namespace: string, service: string) => ReadonlyArray<PodObject>
    /** Warnings about an object of a namespace, oldest first; the newest 20 are kept, for an hour at most. */
    readonly eventsOf: (
      namespace: string,
      involved: { readonly kind: string; readonly name: string }
    ) => ReadonlyArray<EventObject>
    readonly metadataOf: (kind: ManagedKind, namespace: string, name: string) => MetadataObject["metadata"] | undefined
    /** The organization, app and stage of a namespace, by its labels. */
    readonly namespace: (name: string) => MetadataObject["metadata"] | undefined
    readonly pods: () => Iterable<PodObject>
    /**
     * Each subscriber gets all changes from its subscription on. We never wait for a slow one: it gets several changes of the same object
     * as one.
     */
    readonly changes: Stream.Stream<CacheChange>
    /** How many objects of each kind are kept, for metrics. */
    readonly sizes: () => Readonly<Record<string, number>>
  }
>() {}
