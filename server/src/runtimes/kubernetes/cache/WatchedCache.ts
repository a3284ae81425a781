import { Clock, Deferred, Effect, FiberMap, Layer, Option, Schema, Stream } from "effect"
import { keepDoing } from "../../../base/node/keepDoing.ts"
import { KubeApi, type WatchEvent, type WatchInput } from "../../kubeApi/KubeApi.ts"
import { kinds } from "../../kubeApi/kinds.ts"
import { type CacheChange, ClusterCache } from "./ClusterCache.ts"
import { CoalescingHub } from "./CoalescingHub.ts"
import {
  type CacheEffect,
  type CacheState,
  emptyCache,
  forgetOwn,
  type KeptKind,
  type KeptObjects,
  type Named,
  type OwnKind,
  takeObjects,
  takeWarnings
} from "./cacheMachine.ts"
import {
  EventObject,
  KnativeServiceObject,
  type ManagedFields,
  MetadataObject,
  PodObject,
  RevisionObject
} from "./objects.ts"
import { makeSharedFields } from "./sharedFields.ts"

/** Label of every object that we create. Knative copies it to revisions, pods and routes. */
const labelSelector = "app.kubernetes.io/managed-by=maxcloud"

/** A namespace where the server has no rights (yet) delays nobody for longer. */
const ownSyncMillis = 10_000

export interface CacheOptions {
  /** Are ExternalSecrets watched? @default false */
  readonly externalSecrets?: boolean
  /** Kinds of an app's own objects that the operator allows. @default none */
  readonly appObjects?: ReadonlyArray<Exclude<OwnKind, "secret">>
}

type Project = (fields: ReadonlyArray<ManagedFields>) => ReadonlyArray<ManagedFields>

const reader = <A extends Named, I>(schema: Schema.Schema<A, I>, fields: Project) => {
  const decode = Schema.decodeUnknownOption(schema)
  return (object: unknown) =>
    Option.map(
      decode(object),
      (found): A => ({ ...found, metadata: { ...found.metadata, managedFields: fields(found.metadata.managedFields) } })
    )
}

/** The watch of each kind: with field managers for the objects that we apply, without them for those that Knative creates. */
const makeWatches = () => {
  const withFields: Project = makeSharedFields()
  const withoutFields: Project = () => []
  const metadata = { labelSelector, metadataOnly: true, decode: reader(MetadataObject, withFields) }
  return {
    namespace: { kind: kinds.namespace, ...metadata },
    service: { kind: kinds.service, labelSelector, decode: reader(KnativeServiceObject, withFields) },
    revision: { kind: kinds.revision, labelSelector, decode: reader(RevisionObject, withoutFields) },
    pod: { kind: kinds.pod, labelSelector, decode: reader(PodObject, withoutFields) },
    route: { kind: kinds.route, ...metadata, decode: reader(MetadataObject, withoutFields) },
    networkPolicy: { kind: kinds.networkPolicy, ...metadata },
    serviceAccount: { kind: kinds.serviceAccount, ...metadata },
    secret: { kind: kinds.secret, ...metadata },
    externalSecret: { kind: kinds.externalSecret, ...metadata },
    resourceQuota: { kind: kinds.resourceQuota, ...metadata },
    limitRange: { kind: kinds.limitRange, ...metadata },
    configMap: { kind: kinds.configMap, ...metadata },
    podDisruptionBudget: { kind: kinds.podDisruptionBudget, ...metadata },
    warning: { kind: kinds.event, fieldSelector: "type=Warning", decode: reader(EventObject, withoutFields) }
  } satisfies { readonly [K in KeptKind]: WatchInput<KeptObjects[K]> } & { readonly warning: WatchInput<EventObject> }
}

/** The kinds watched in all namespaces at once, without ExternalSecrets. */
const everywhere = [
  "namespace",
  "service",
  "revision",
  "pod",
  "route",
  "networkPolicy",
  "serviceAccount",
  "resourceQuota",
  "limitRange"
] as const satisfies ReadonlyArray<KeptKind>

/** Follows a kind forever; `listed` completes when its list has been processed. */
const following = <A>(
  api: KubeApi["Type"],
  input: WatchInput<A>,
  take: (event: WatchEvent<A>) => Effect.Effect<void>,
  listed: Deferred.Deferred<void>
) =>
  api
    .watch(input)
    .pipe(
      Stream.runForEach((event) =>
        event.type === "list" ? Effect.zipRight(take(event), Deferred.succeed(listed, undefined)) : take(event)
      )
    )

/**
 * Performs the machine's effects: notifies subscribers, and follows the kinds that the server may read only in our namespaces.
 */
const makeInterpreter = (
  api: KubeApi["Type"],
  state: CacheState,
  hub: CoalescingHub<CacheChange>,
  inputs: ReadonlyArray<readonly [OwnKind, WatchInput<MetadataObject>]>
) =>
  Effect.gen(function* () {
    const watches = yield* FiberMap.make<string>()
    const publish = (change: CacheChange) => hub.publish(`${change.kind}/${change.namespace}/${change.name}`, change)
    const begun = new Map<
      string,
      { readonly listed: ReadonlyArray<Deferred.Deferred<void>>; readonly sinceMillis: number }
    >()

    const follow = (namespace: string) =>
      Effect.gen(function* () {
        const watched = yield* Effect.forEach(inputs, ([kind, input]) =>
          Effect.map(Deferred.make<void>(), (listed) => ({ kind, input, listed }))
        )
        begun.set(namespace, { listed: watched.map(({ listed }) => listed), sinceMillis: performance.now() })
        yield* Effect.forEach(
          watched,
          ({ input, kind, listed }) => {
            const take = (event: WatchEvent<MetadataObject>) => perform(takeObjects(state, kind, event, namespace))
            return FiberMap.run(watches, `${kind}/${namespace}`, following(api, { ...input, namespace }, take, listed))
          },
          { discard: true }
        )
      })

    const unfollow = (namespace: string) =>
      Effect.gen(function* () {
        begun.delete(namespace)
        yield* Effect.forEach(inputs, ([kind]) => FiberMap.remove(watches, `${kind}/${namespace}`), { discard: true })
        yield* perform(forgetOwn(state, namespace))
      })

    const perform = (effects: ReadonlyArray<CacheEffect>): Effect.Effect<void> =>
      Effect.suspend(() => {
        for (const effect of effects) if (effect.type === "tell") publish(effect.change)
        const others = effects.filter((effect) => effect.type !== "tell")
        return Effect.forEach(
          others,
          ({ namespace, type }) => (type === "follow" ? follow(namespace) : unfollow(namespace)),
          { discard: true }
        )
      })

    /** Returns when these kinds have been listed in every namespace. */
    const synced = Effect.suspend(() =>
      Effect.forEach(
        [...begun.values()],
        // Counted from the start of the watch: after it has delayed one caller, it delays no others.
        ({ listed, sinceMillis }) =>
          Effect.timeoutOption(
            Effect.forEach(listed, Deferred.await, { discard: true }),
            Math.max(0, sinceMillis + ownSyncMillis - performance.now())
          ),
        { concurrency: "unbounded", discard: true }
      )
    )
    return { perform, synced }
  })

const make = Effect.fn("ClusterCache.make")(function* ({ appObjects = [], externalSecrets = false }: CacheOptions) {
  const api = yield* KubeApi
  const hub = new CoalescingHub<CacheChange>()
  const state = emptyCache()
  const { objects, warnings } = state
  const watches = makeWatches()
  const own: ReadonlyArray<OwnKind> = ["secret", ...appObjects]
  const isOwn = new Set<string>(own)
  const inputs = own.map((kind) => [kind, watches[kind]] as const)
  const { perform, synced: ownSynced } = yield* makeInterpreter(api, state, hub, inputs)

  /** One watch for all tenants, for the layer's lifetime. The effect returns when the kind has been listed. */
  const follow = <A>(input: WatchInput<A>, take: (event: WatchEvent<A>) => ReadonlyArray<CacheEffect>) =>
    Effect.gen(function* () {
      const listed = yield* Deferred.make<void>()
      const taken = (event: WatchEvent<A>) => Effect.suspend(() => perform(take(event)))
      yield* Effect.forkScoped(following(api, input, taken, listed))
      return Deferred.await(listed)
    })
  const followKind = <K extends KeptKind>(kind: K, input: WatchInput<KeptObjects[K]>) =>
    follow(input, (event) => takeObjects(state, kind, event))

  const kindsFollowed: ReadonlyArray<KeptKind> = [
    ...everywhere,
    ...(externalSecrets ? (["externalSecret"] as const) : [])
  ]
  const listed = yield* Effect.all([
    ...kindsFollowed.map((kind) => followKind(kind, watches[kind])),
    follow(watches.warning, (event) => takeWarnings(state, event))
  ])
  yield* keepDoing(
    "expiry of warnings of the cluster",
    "5 minutes",
    Effect.map(Clock.currentTimeMillis, (now) => warnings.expire(now))
  )

  return ClusterCache.of({
    follows: (kind) => {
      if (kind === "externalSecret") return externalSecrets
      return (kind !== "configMap" && kind !== "podDisruptionBudget") || isOwn.has(kind)
    },
    synced: Effect.zipRight(Effect.all(listed, { discard: true }), ownSynced),
    service: (namespace, name) => objects.service.get(namespace, name),
    revisionsOf: (namespace, service) => objects.revision.ofService(namespace, service),
    podsOf: (namespace, service) => objects.pod.ofService(namespace, service),
    eventsOf: (namespace, involved) => warnings.of(namespace, involved, Date.now()),
    metadataOf: (kind, namespace, name) => objects[kind].get(kind === "namespace" ? "" : namespace, name)?.metadata,
    namespace: (name) => objects.namespace.get("", name)?.metadata,
    pods: () => objects.pod.all(),
    changes: hub.stream,
    sizes: () => ({
      ...Object.fromEntries(Object.entries(objects).map(([kind, store]) => [kind, store.size])),
      event: warnings.size
    })
  })
})

export const layerWith = (options: CacheOptions): Layer.Layer<ClusterCache, never, KubeApi> =>
  Layer.scoped(ClusterCache, make(options))

export const layer = layerWith({})
