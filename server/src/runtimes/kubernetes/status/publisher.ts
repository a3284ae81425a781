import type { ServiceName } from "@maxcloud/config-schema"
import { Option } from "effect"
import type { ServiceKey } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import { CoalescingHub } from "../cache/CoalescingHub.ts"
import { keyOfNamespace } from "../cache/namespaceKey.ts"

/** Publishes services by their key. If a service's namespace isn't known yet, this waits until it is. */
export const makePublisher = (cache: ClusterCache["Type"]) => {
  const hub = new CoalescingHub<ServiceKey>()
  const strangers = new Map<string, Set<ServiceName>>()

  const publish = (namespace: string, service: ServiceName) => {
    const owner = Option.flatMap(Option.fromNullable(cache.namespace(namespace)), keyOfNamespace)
    if (Option.isNone(owner)) {
      strangers.set(namespace, (strangers.get(namespace) ?? new Set()).add(service))
      return
    }
    hub.publish(`${namespace}/${service}`, { ...owner.value, service })
  }

  return {
    publish,
    namespaceChanged: (namespace: string) => {
      const waiting = strangers.get(namespace) ?? []
      strangers.delete(namespace)
      for (const stranger of waiting) publish(namespace, stranger)
    },
    changes: hub.stream
  }
}
