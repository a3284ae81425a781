import { label, readMarks } from "@maxcloud/synth"
import { Option, Schema } from "effect"
import type { WatchEvent } from "../../runtimes/kubeApi/KubeApi.ts"

const text = Schema.optionalWith(Schema.String, { default: () => "" })
const texts = Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { default: () => ({}) })
const metadata = { name: Schema.String, namespace: text, uid: text, labels: texts, annotations: texts }

const PodObject = Schema.Struct({
  metadata: Schema.Struct({ ...metadata, deletionTimestamp: Schema.optional(Schema.String) }),
  spec: Schema.Struct({ nodeName: text }),
  status: Schema.optionalWith(Schema.Struct({ phase: text, podIP: text }), {
    default: () => ({ phase: "", podIP: "" })
  })
})
const ServiceObject = Schema.Struct({ metadata: Schema.Struct(metadata) })
const NamespaceObject = Schema.Struct({ metadata: Schema.Struct(metadata) })

/** Anything in the cluster with its own address, a tenant's or not. */
export interface Pod {
  readonly id: string
  readonly namespace: string
  /** From its label; empty without one. */
  readonly service: string
  readonly node: string
  /** Empty until it has an address. */
  readonly address: string
  /** It is terminating, but its containers still have time. */
  readonly terminating: boolean
  /** Its containers have exited: another pod may already have the address. */
  readonly ended: boolean
}

export interface Service {
  readonly id: string
  readonly organization: string
  readonly app: string
  readonly links: ReadonlySet<string>
  /** The variables with the URLs of its links, as `<service>=<variable>`. */
  readonly linkVariables: ReadonlyArray<string>
  /** Ids of the services in other apps that it calls. */
  readonly externals: ReadonlySet<string>
  /** The apps of its organization that may call it. */
  readonly exports: ReadonlySet<string>
  readonly mayCallInternet: boolean
  readonly paused: boolean
  /** A tenant's label could claim to be public to the gateway, so ignore what labels say about visibility. */
  readonly forged: boolean
}

export interface Namespace {
  readonly id: string
}

const decodePod = Schema.decodeUnknownOption(PodObject)
const decodeService = Schema.decodeUnknownOption(ServiceObject)
const decodeNamespace = Schema.decodeUnknownOption(NamespaceObject)

export const readPod = (object: unknown): Option.Option<Pod> =>
  Option.map(decodePod(object), ({ metadata, spec, status }) => ({
    id: metadata.uid,
    namespace: metadata.namespace,
    service: metadata.labels[label.service] ?? "",
    node: spec.nodeName,
    address: status.podIP,
    terminating: metadata.deletionTimestamp !== undefined,
    ended: status.phase === "Succeeded" || status.phase === "Failed"
  }))

const serviceId = (namespace: string, name: string) => `${namespace}/${name}`

export const readService = (object: unknown): Option.Option<Service> =>
  Option.map(decodeService(object), ({ metadata }) => {
    const { exports, externals, links, linkVariables, mayCallInternet, paused } = readMarks(metadata)
    return {
      id: serviceId(metadata.namespace, metadata.name),
      organization: metadata.labels[label.organization] ?? "",
      app: metadata.labels[label.app] ?? "",
      links: new Set(links),
      linkVariables,
      externals: new Set(externals),
      exports: new Set(exports),
      mayCallInternet,
      paused,
      forged: "visibility" in metadata.labels
    }
  })

export const readNamespace = (object: unknown): Option.Option<Namespace> =>
  Option.map(decodeNamespace(object), ({ metadata }) => ({ id: metadata.name }))

/** The holder of an address: a single pod, nobody known, or uncertain for now. */
export type Holder = Pod | "nobody" | "unsure"

/** The cluster's pods and the tenants' services as the watches have reported them, indexed. */
export interface TenantNetwork {
  readonly pods: (event: WatchEvent<Pod>) => void
  readonly services: (event: WatchEvent<Service>) => void
  readonly namespaces: (event: WatchEvent<Namespace>) => void
  readonly isTenant: (namespace: string) => boolean
  readonly service: (namespace: string, name: string) => Service | undefined
  readonly holderOf: (address: string) => Holder
  /** Calls back on each change, until the returned function is called. */
  readonly onChange: (listener: () => void) => () => void
}

const apply = <A extends { readonly id: string }>(
  all: Map<string, A>,
  event: WatchEvent<A>,
  { put, remove }: { readonly put: (object: A) => void; readonly remove: (object: A) => void }
) => {
  const drop = (id: string) => {
    const known = all.get(id)
    if (known === undefined) return
    all.delete(id)
    remove(known)
  }
  const take = (object: A) => {
    drop(object.id)
    all.set(object.id, object)
    put(object)
  }
  if (event.type === "put") take(event.object)
  else if (event.type === "delete") drop(event.object.id)
  else {
    const listed = new Set(event.objects.map((object) => object.id))
    for (const id of [...all.keys()]) if (!listed.has(id)) drop(id)
    event.objects.forEach(take)
  }
}

const into = (index: Map<string, Set<Pod>>, key: string, pod: Pod) => {
  const found = index.get(key)
  if (found === undefined) index.set(key, new Set([pod]))
  else found.add(pod)
}
const outOf = (index: Map<string, Set<Pod>>, key: string, pod: Pod) => {
  const found = index.get(key)
  found?.delete(pod)
  if (found?.size === 0) index.delete(key)
}
const noPods: ReadonlySet<Pod> = new Set()

export const makeTenantNetwork = (): TenantNetwork => {
  const pods = new Map<string, Pod>()
  const byAddress = new Map<string, Set<Pod>>()
  /** By node: pods that run or will soon, and have no known address yet. */
  const withoutAddress = new Map<string, Set<Pod>>()
  const services = new Map<string, Service>()
  const namespaces = new Map<string, Namespace>()
  const listeners = new Set<() => void>()
  const changed = () => {
    for (const listener of [...listeners]) listener()
  }
  const ignore = { put: () => {}, remove: () => {} }

  return {
    pods: (event) => {
      apply(pods, event, {
        put: (pod) => {
          if (pod.ended) return
          if (pod.address !== "") into(byAddress, pod.address, pod)
          else if (pod.node !== "" && !pod.terminating) into(withoutAddress, pod.node, pod)
        },
        remove: (pod) => {
          outOf(byAddress, pod.address, pod)
          outOf(withoutAddress, pod.node, pod)
        }
      })
      changed()
    },
    services: (event) => {
      apply(services, event, ignore)
      changed()
    },
    namespaces: (event) => {
      apply(namespaces, event, ignore)
      changed()
    },
    isTenant: (namespace) => namespaces.has(namespace),
    service: (namespace, name) => services.get(serviceId(namespace, name)),
    holderOf: (address) => {
      const holders = [...(byAddress.get(address) ?? noPods)]
      const [live, ...others] = holders.filter((holder) => !holder.terminating)
      if (live !== undefined) return others.length === 0 ? live : "unsure"
      const [ending, ...more] = holders
      if (ending === undefined) return "nobody"
      // A pod that is being stopped finishes its requests, and may need its links for that. But once its containers have exited,
      // the node's next pod may get its address before the watches report either. Until that pod's address is known, nobody holds
      // the address.
      return more.length === 0 && !withoutAddress.has(ending.node) ? ending : "unsure"
    },
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }
}
