import { ServiceName } from "@maxcloud/config-schema"
import { label } from "@maxcloud/synth"
import { Schema } from "effect"
import type { WatchEvent } from "../../kubeApi/KubeApi.ts"
import type { CacheChange } from "./ClusterCache.ts"
import { ObjectIndex } from "./ObjectIndex.ts"
import type { EventObject, KnativeServiceObject, MetadataObject, PodObject, RevisionObject } from "./objects.ts"
import { serviceOfInvolved } from "./serviceOfInvolved.ts"
import { WarningEvents } from "./WarningEvents.ts"

type Meta = MetadataObject["metadata"]
export type Named = { readonly metadata: Meta }

/** The cached objects, by kind. */
export interface KeptObjects {
  readonly service: KnativeServiceObject
  readonly revision: RevisionObject
  readonly pod: PodObject
  readonly route: MetadataObject
  readonly namespace: MetadataObject
  readonly networkPolicy: MetadataObject
  readonly serviceAccount: MetadataObject
  readonly secret: MetadataObject
  readonly externalSecret: MetadataObject
  readonly resourceQuota: MetadataObject
  readonly limitRange: MetadataObject
  readonly configMap: MetadataObject
  readonly podDisruptionBudget: MetadataObject
}
export type KeptKind = keyof KeptObjects

/** Kinds that aren't watched but listed by namespace: the server may not read those of others. */
const ownKinds = ["secret", "configMap", "podDisruptionBudget"] as const satisfies ReadonlyArray<KeptKind>
export type OwnKind = (typeof ownKinds)[number]

export const isOwnKind = (kind: string): kind is OwnKind => ownKinds.some((own) => own === kind)

/**
 * The cluster's objects as a state machine: takes watch events and lists, and returns the changes to publish, without other effects. The
 * state is changed in place, because a copy of ten thousand objects for each event would cost more than everything else.
 */
export interface CacheState {
  readonly objects: { readonly [K in KeptKind]: ObjectIndex<KeptObjects[K]> }
  readonly warnings: WarningEvents
}

type Changes = ReadonlyArray<CacheChange>

const isServiceName = Schema.is(ServiceName)
const serviceLabel = ({ labels }: Meta): ServiceName | undefined => {
  const service = labels[label.service]
  return isServiceName(service) ? service : undefined
}

export const emptyCache = (): CacheState => {
  const newIndex = <A extends Named>() => new ObjectIndex<A>(serviceLabel)
  const newOwn = () => new ObjectIndex<MetadataObject>(serviceLabel, { byNamespace: true })
  const namespaces = newIndex<MetadataObject>()
  return {
    objects: {
      service: newIndex(),
      revision: newIndex(),
      pod: newIndex(),
      route: newIndex(),
      namespace: namespaces,
      networkPolicy: newIndex(),
      serviceAccount: newIndex(),
      secret: newOwn(),
      externalSecret: newIndex(),
      resourceQuota: newIndex(),
      limitRange: newIndex(),
      configMap: newOwn(),
      podDisruptionBudget: newOwn()
    },
    warnings: new WarningEvents((name) => namespaces.get("", name) !== undefined)
  }
}

const tell = (kind: CacheChange["kind"], { metadata }: Named, deleted: boolean): CacheChange => ({
  kind,
  namespace: metadata.namespace,
  name: metadata.name,
  service: serviceLabel(metadata),
  deleted,
  metadata
})

const tellWarning = ({ objects }: CacheState, { involvedObject, metadata }: EventObject): CacheChange => {
  const labelOf = (kind: "pod" | "revision" | "service", namespace: string, name: string) => {
    const object: Named | undefined = objects[kind].get(namespace, name)
    return object === undefined ? undefined : serviceLabel(object.metadata)
  }
  const service = serviceOfInvolved({ labelOf })(metadata.namespace, involvedObject)
  const { namespace } = metadata
  return { kind: "event", namespace, name: involvedObject.name, service, deleted: false, metadata }
}

/** A namespace was added or reported again: it is ours, and so are its earlier warnings. */
const namespaceCame = (state: CacheState, { metadata: { name } }: Named): Changes =>
  state.warnings.adopt(name).map((value) => tellWarning(state, value))

/** Nobody lists a deleted namespace any more, so its listed objects go with it. */
const namespaceWent = (state: CacheState, { metadata: { name } }: Named): Changes => {
  state.warnings.forget(name)
  return ownKinds.flatMap((kind) =>
    [...state.objects[kind].inNamespace(name)].flatMap((own) => remove(state, kind, own))
  )
}

const put = <K extends KeptKind>(state: CacheState, kind: K, object: KeptObjects[K]): Changes => {
  const store: ObjectIndex<KeptObjects[K]> = state.objects[kind]
  store.put(object)
  return [...(kind === "namespace" ? namespaceCame(state, object) : []), tell(kind, object, false)]
}

const remove = (state: CacheState, kind: KeptKind, object: Named): Changes => {
  state.objects[kind].remove(object.metadata.namespace, object.metadata.name)
  return [...(kind === "namespace" ? namespaceWent(state, object) : []), tell(kind, object, true)]
}

/** All objects of a kind, everywhere or in a namespace: publishes only differences and removals. */
const replace = <K extends KeptKind>(
  state: CacheState,
  kind: K,
  objects: ReadonlyArray<KeptObjects[K]>,
  namespace: string | undefined
): Changes => {
  const store: ObjectIndex<Named> = state.objects[kind]
  const gone = new Set(namespace === undefined ? store.all() : store.inNamespace(namespace))
  const changes: Array<CacheChange> = []
  for (const object of objects) {
    const before = store.get(object.metadata.namespace, object.metadata.name)
    if (before !== undefined) gone.delete(before)
    if (before?.metadata.resourceVersion !== object.metadata.resourceVersion) changes.push(...put(state, kind, object))
  }
  for (const object of gone) changes.push(...remove(state, kind, object))
  return changes
}

/** Handles an event of a kind's watch, or a list. `namespace`: the listed namespace, if the list isn't of all of them. */
export const takeObjects = <K extends KeptKind>(
  state: CacheState,
  kind: K,
  event: WatchEvent<KeptObjects[K]>,
  namespace?: string
): Changes => {
  if (event.type === "put") return put(state, kind, event.object)
  if (event.type === "delete") return remove(state, kind, event.object)
  return replace(state, kind, event.objects, namespace)
}

/** Handles an event of the warnings' watch. */
export const takeWarnings = (state: CacheState, event: WatchEvent<EventObject>): Changes => {
  if (event.type === "put") return state.warnings.put(event.object) ? [tellWarning(state, event.object)] : []
  if (event.type === "list") return state.warnings.replace(event.objects).map((value) => tellWarning(state, value))
  state.warnings.remove(event.object)
  return []
}
