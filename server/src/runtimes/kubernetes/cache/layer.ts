import { ServiceName } from "@maxcloud/config-schema"
import { label } from "@maxcloud/synth"
import { Clock, Deferred, Effect, FiberMap, Layer, Option, Schedule, Schema, Stream } from "effect"
import { KubeApi, type WatchEvent, type WatchInput } from "../../kubeApi/KubeApi.ts"
import { kinds } from "../../kubeApi/kinds.ts"
import { type CacheChange, ClusterCache, type ManagedKind } from "./ClusterCache.ts"
import { CoalescingHub } from "./CoalescingHub.ts"
import { ObjectStore } from "./ObjectStore.ts"
import { EventObject, KnativeServiceObject, MetadataObject, PodObject, RevisionObject } from "./objects.ts"
import { serviceOfInvolved } from "./serviceOfInvolved.ts"
import { makeSharedFields } from "./sharedFields.ts"
import { WarningEvents } from "./WarningEvents.ts"

type Meta = MetadataObject["metadata"]
type Named = { readonly metadata: Meta }

/** What everything that we make carries, and Knative hands on to revisions, pods and routes. */
const ours = "app.kubernetes.io/managed-by=maxcloud"

const isServiceName = Schema.is(ServiceName)
const serviceLabel = ({ labels }: Meta): ServiceName | undefined => {
  const service = labels[label.service]
  return isServiceName(service) ? service : undefined
}

/** A namespace in which the server has no rights (yet) keeps nobody waiting for longer. */
const secretsSyncMillis = 10_000

const newStore = <A extends Named>() => new ObjectStore<A>(serviceLabel)

export interface CacheOptions {
  /** Are there ExternalSecrets to be watched? @default false */
  readonly externalSecrets?: boolean
}

const make = Effect.fn("ClusterCache.make")(function* ({ externalSecrets: withExternal = false }: CacheOptions) {
  const api = yield* KubeApi
  const hub = new CoalescingHub<CacheChange>()
  const sharedFields = makeSharedFields()

  const services = newStore<KnativeServiceObject>()
  const revisions = newStore<RevisionObject>()
  const pods = newStore<PodObject>()
  const routes = newStore<MetadataObject>()
  const namespaces = newStore<MetadataObject>()
  const networkPolicies = newStore<MetadataObject>()
  const serviceAccounts = newStore<MetadataObject>()
  const secrets = newStore<MetadataObject>()
  const externalSecrets = newStore<MetadataObject>()
  const resourceQuotas = newStore<MetadataObject>()
  const limitRanges = newStore<MetadataObject>()
  const events = new WarningEvents((name) => namespaces.get("", name) !== undefined)

  const managed: { readonly [K in ManagedKind]: ObjectStore<Named> | undefined } = {
    service: services,
    revision: revisions,
    pod: pods,
    namespace: namespaces,
    networkPolicy: networkPolicies,
    serviceAccount: serviceAccounts,
    secret: secrets,
    externalSecret: externalSecrets,
    resourceQuota: resourceQuotas,
    limitRange: limitRanges
  }

  const publish = (change: CacheChange) => hub.publish(`${change.kind}/${change.namespace}/${change.name}`, change)

  const publishObject = (kind: CacheChange["kind"], { metadata }: Named, deleted: boolean) =>
    publish({
      kind,
      namespace: metadata.namespace,
      name: metadata.name,
      service: serviceLabel(metadata),
      deleted,
      metadata
    })

  const serviceOf = serviceOfInvolved({
    labelOf: (kind, namespace, name) => {
      const store: ObjectStore<Named> = { pod: pods, revision: revisions, service: services }[kind]
      const object = store.get(namespace, name)
      return object === undefined ? undefined : serviceLabel(object.metadata)
    }
  })
  const publishEvent = ({ involvedObject, metadata }: EventObject, deleted: boolean) =>
    publish({
      kind: "event",
      namespace: metadata.namespace,
      name: involvedObject.name,
      service: serviceOf(metadata.namespace, involvedObject),
      deleted,
      metadata
    })

  /** Namespaces that came or went since `followSecrets` last looked. */
  const turned = new Set<string>()

  const whenChanged = (kind: CacheChange["kind"], object: Named, deleted: boolean) => {
    if (kind === "namespace") {
      turned.add(object.metadata.name)
      if (deleted) events.forget(object.metadata.name)
      else for (const event of events.adopt(object.metadata.name)) publishEvent(event, false)
    }
    publishObject(kind, object, deleted)
  }

  const inNamespace = <A extends Named>(store: ObjectStore<A>, namespace: string) =>
    [...store.all()].filter((_) => _.metadata.namespace === namespace)

  const keep =
    <A extends Named>(kind: CacheChange["kind"], store: ObjectStore<A>, namespace?: string) =>
    (event: WatchEvent<A>) => {
      if (event.type === "put") {
        store.put(event.object)
        whenChanged(kind, event.object, false)
      } else if (event.type === "delete") {
        store.remove(event.object.metadata.namespace, event.object.metadata.name)
        whenChanged(kind, event.object, true)
      } else {
        const gone = new Set(namespace === undefined ? store.all() : inNamespace(store, namespace))
        for (const object of event.objects) {
          const before = store.get(object.metadata.namespace, object.metadata.name)
          if (before !== undefined) gone.delete(before)
          if (before?.metadata.resourceVersion === object.metadata.resourceVersion) continue
          store.put(object)
          whenChanged(kind, object, false)
        }
        for (const object of gone) {
          store.remove(object.metadata.namespace, object.metadata.name)
          whenChanged(kind, object, true)
        }
      }
    }

  const keepEvent = (event: WatchEvent<EventObject>) => {
    if (event.type === "put") {
      if (events.put(event.object)) publishEvent(event.object, false)
    } else if (event.type === "delete") events.remove(event.object)
    else for (const kept of events.replace(event.objects)) publishEvent(kept, false)
  }

  /** Follows a kind for ever; `listed` is done when it has been listed. */
  const following = <A>(
    input: WatchInput<A>,
    take: (event: WatchEvent<A>) => void,
    listed: Deferred.Deferred<void>,
    then: Effect.Effect<void> = Effect.void
  ) =>
    api.watch(input).pipe(
      Stream.runForEach((event) => {
        take(event)
        return event.type === "list" ? Effect.zipRight(then, Deferred.succeed(listed, undefined)) : then
      })
    )

  /** One watch for all tenants, for as long as the layer is there; the effect returns when it has been listed. */
  const follow = <A>(input: WatchInput<A>, take: (event: WatchEvent<A>) => void, then?: Effect.Effect<void>) =>
    Effect.gen(function* () {
      const listed = yield* Deferred.make<void>()
      yield* Effect.forkScoped(following(input, take, listed, then))
      return Deferred.await(listed)
    })

  /** Of what we apply ourselves, with who owns which field; of what Knative makes of it, without. */
  const withFields = <A extends Named>(object: A): A => ({
    ...object,
    metadata: { ...object.metadata, managedFields: sharedFields(object.metadata.managedFields) }
  })
  const withoutFields = <A extends Named>(object: A): A => ({
    ...object,
    metadata: { ...object.metadata, managedFields: [] }
  })
  const reader = <A extends Named, I>(schema: Schema.Schema<A, I>, project: (object: A) => A) => {
    const decode = Schema.decodeUnknownOption(schema)
    return (object: unknown) => Option.map(decode(object), project)
  }
  const metadataOnly = (project: typeof withFields) =>
    ({ labelSelector: ours, metadataOnly: true, decode: reader(MetadataObject, project) }) as const

  const secretWatches = yield* FiberMap.make<string>()
  const secretsListed = new Map<string, { readonly listed: Deferred.Deferred<void>; readonly sinceMillis: number }>()

  const unfollowSecrets = (namespace: string) =>
    Effect.gen(function* () {
      secretsListed.delete(namespace)
      yield* FiberMap.remove(secretWatches, namespace)
      for (const secret of inNamespace(secrets, namespace)) {
        secrets.remove(namespace, secret.metadata.name)
        publishObject("secret", secret, true)
      }
    })

  /** Secrets are watched in our own namespaces, for the server may not read those of others. */
  const followSecrets = Effect.gen(function* () {
    for (const namespace of turned) {
      turned.delete(namespace)
      if (namespaces.get("", namespace) === undefined) yield* unfollowSecrets(namespace)
      else if (!secretsListed.has(namespace)) {
        const listed = yield* Deferred.make<void>()
        secretsListed.set(namespace, { listed, sinceMillis: performance.now() })
        yield* FiberMap.run(
          secretWatches,
          namespace,
          following(
            { kind: kinds.secret, namespace, ...metadataOnly(withFields) },
            keep("secret", secrets, namespace),
            listed
          )
        )
      }
    }
  })
  const secretsSynced = Effect.suspend(() =>
    Effect.forEach(
      [...secretsListed.values()],
      // Counted from its beginning: once it has kept somebody waiting, it keeps nobody else.
      ({ listed, sinceMillis }) =>
        Effect.timeoutOption(Deferred.await(listed), Math.max(0, sinceMillis + secretsSyncMillis - performance.now())),
      { concurrency: "unbounded", discard: true }
    )
  )

  const listed = yield* Effect.all([
    follow({ kind: kinds.namespace, ...metadataOnly(withFields) }, keep("namespace", namespaces), followSecrets),
    follow(
      { kind: kinds.service, labelSelector: ours, decode: reader(KnativeServiceObject, withFields) },
      keep("service", services)
    ),
    follow(
      { kind: kinds.revision, labelSelector: ours, decode: reader(RevisionObject, withoutFields) },
      keep("revision", revisions)
    ),
    follow({ kind: kinds.pod, labelSelector: ours, decode: reader(PodObject, withoutFields) }, keep("pod", pods)),
    follow({ kind: kinds.route, ...metadataOnly(withoutFields) }, keep("route", routes)),
    follow({ kind: kinds.networkPolicy, ...metadataOnly(withFields) }, keep("networkPolicy", networkPolicies)),
    follow({ kind: kinds.serviceAccount, ...metadataOnly(withFields) }, keep("serviceAccount", serviceAccounts)),
    ...(withExternal
      ? [follow({ kind: kinds.externalSecret, ...metadataOnly(withFields) }, keep("externalSecret", externalSecrets))]
      : []),
    follow({ kind: kinds.resourceQuota, ...metadataOnly(withFields) }, keep("resourceQuota", resourceQuotas)),
    follow({ kind: kinds.limitRange, ...metadataOnly(withFields) }, keep("limitRange", limitRanges)),
    follow({ kind: kinds.event, fieldSelector: "type=Warning", decode: reader(EventObject, withoutFields) }, keepEvent)
  ])
  yield* Clock.currentTimeMillis.pipe(
    Effect.map((now) => events.expire(now)),
    Effect.repeat(Schedule.spaced("5 minutes")),
    Effect.forkScoped
  )

  return ClusterCache.of({
    follows: (kind) => kind !== "externalSecret" || withExternal,
    synced: Effect.zipRight(Effect.all(listed, { discard: true }), secretsSynced),
    service: (namespace, name) => services.get(namespace, name),
    revisionsOf: (namespace, service) => revisions.ofService(namespace, service),
    podsOf: (namespace, service) => pods.ofService(namespace, service),
    eventsOf: (namespace, involved) => events.of(namespace, involved, Date.now()),
    metadataOf: (kind, namespace, name) => managed[kind]?.get(kind === "namespace" ? "" : namespace, name)?.metadata,
    namespace: (name) => namespaces.get("", name)?.metadata,
    pods: () => pods.all(),
    changes: hub.stream,
    sizes: () => ({
      ...Object.fromEntries(Object.entries(managed).map(([kind, store]) => [kind, store?.size ?? 0])),
      route: routes.size,
      event: events.size
    })
  })
})

export const layerWith = (options: CacheOptions): Layer.Layer<ClusterCache, never, KubeApi> =>
  Layer.scoped(ClusterCache, make(options))

export const layer = layerWith({})
