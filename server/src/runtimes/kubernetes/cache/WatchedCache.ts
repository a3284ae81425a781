import { label } from "@maxcloud/synth"
import { Clock, Deferred, Effect, Layer, Option, Schema, type Scope, Stream } from "effect"
import { keepDoing } from "../../../base/node/keepDoing.ts"
import { KubeApi, type WatchEvent, type WatchInput } from "../../kubeApi/KubeApi.ts"
import { kinds } from "../../kubeApi/kinds.ts"
import { ownReporter } from "../../kubeApi/systemNames.ts"
import { type CacheChange, ClusterCache } from "./ClusterCache.ts"
import { CoalescingHub } from "./CoalescingHub.ts"
import {
  emptyCache,
  isOwnKind,
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
import { makeSweep, type SweepOptions } from "./sweep.ts"

/** Label of every object that we create. Knative copies it to revisions, pods and routes. */
const labelSelector = "app.kubernetes.io/managed-by=maxcloud"

export interface CacheOptions {
  /** Are ExternalSecrets watched? @default false */
  readonly externalSecrets?: boolean
  /** Kinds of an app's own objects that the operator allows. @default none */
  readonly appObjects?: ReadonlyArray<Exclude<OwnKind, "secret">>
  /** How to check Secrets and apps' own objects, which aren't watched. */
  readonly sweep?: SweepOptions
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
    warning: {
      kind: kinds.event,
      fieldSelector: `type=Warning,reportingComponent!=${ownReporter}`,
      decode: reader(EventObject, withoutFields)
    }
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

/** The latest state of each watch. */
interface Watching {
  /** Completes when the kind has been listed, or when the API server refuses to: nobody must wait for an administrator. */
  readonly listed: Deferred.Deferred<void>
  readonly readable: () => boolean
}

/** Follows a kind for the scope's lifetime. */
const following = <A>(
  api: KubeApi["Type"],
  input: WatchInput<A>,
  take: (event: WatchEvent<A>) => void
): Effect.Effect<Watching, never, Scope.Scope> =>
  Effect.gen(function* () {
    const listed = yield* Deferred.make<void>()
    let readable = true
    const onAccess = (granted: boolean) =>
      Effect.suspend(() => {
        readable = granted
        return granted ? Effect.void : Deferred.succeed(listed, undefined)
      })
    yield* api.watch({ ...input, onAccess }).pipe(
      Stream.runForEach((event) =>
        Effect.suspend(() => {
          take(event)
          return event.type === "list" ? Deferred.succeed(listed, undefined) : Effect.void
        })
      ),
      Effect.forkScoped
    )
    return { listed, readable: () => readable }
  })

const make = Effect.fn("ClusterCache.make")(function* ({
  appObjects = [],
  externalSecrets = false,
  sweep
}: CacheOptions) {
  const api = yield* KubeApi
  const hub = new CoalescingHub<CacheChange>()
  const state = emptyCache()
  const { objects, warnings } = state
  const watches = makeWatches()
  const own: ReadonlyArray<OwnKind> = ["secret", ...appObjects]
  const publish = (changes: ReadonlyArray<CacheChange>) => {
    for (const change of changes) hub.publish(`${change.kind}/${change.namespace}/${change.name}`, change)
  }

  const kindsFollowed: ReadonlyArray<KeptKind> = [
    ...everywhere,
    ...(externalSecrets ? (["externalSecret"] as const) : [])
  ]
  const followKind = <K extends KeptKind>(kind: K, input: WatchInput<KeptObjects[K]>) =>
    following(api, input, (event) => publish(takeObjects(state, kind, event)))
  const watching = new Map(
    yield* Effect.forEach(kindsFollowed, (kind) =>
      Effect.map(followKind(kind, watches[kind]), (watch) => [kind, watch] as const)
    )
  )
  // Warnings have no labels: those of other namespaces are dropped, so ours must be known first.
  const warningsListed = yield* Deferred.make<void>()
  const listedOf = ({ listed }: Watching) => Deferred.await(listed)
  yield* (yield* Effect.fromNullable(watching.get("namespace")).pipe(Effect.orDie, Effect.map(listedOf))).pipe(
    Effect.zipRight(following(api, watches.warning, (event) => publish(takeWarnings(state, event)))),
    Effect.flatMap(listedOf),
    Effect.zipRight(Deferred.succeed(warningsListed, undefined)),
    Effect.forkScoped
  )
  const { refresh } = yield* makeSweep(
    {
      api,
      state,
      inputs: own.map((kind) => [kind, watches[kind]] as const),
      publish,
      namespaces: () =>
        [...objects.namespace.all()].map(
          ({ metadata: { labels, name } }) => [name, labels[label.organizationId] ?? ""] as const
        )
    },
    sweep
  )
  yield* keepDoing(
    "expiry of warnings of the cluster",
    "5 minutes",
    Effect.map(Clock.currentTimeMillis, (now) => warnings.expire(now))
  )

  return ClusterCache.of({
    follows: (kind) => (isOwnKind(kind) ? own.includes(kind) : watching.get(kind)?.readable() === true),
    synced: Effect.zipRight(
      Effect.forEach(watching.values(), listedOf, { discard: true }),
      Deferred.await(warningsListed)
    ),
    refresh,
    service: (namespace, name) => objects.service.get(namespace, name),
    revision: (namespace, name) => objects.revision.get(namespace, name),
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
