import { Effect, Stream } from "effect"
import type { CacheChange, ClusterCache } from "../cache/ClusterCache.ts"

type Listener = (change: CacheChange) => void

const podKey = (namespace: string, name: string) => `pod ${namespace}/${name}`
const serviceKey = (namespace: string, service: string) => `service ${namespace}/${service}`
const all = "all"

/** Distributes the cache's changes to many listeners with one subscription, by their key. */
export interface PodChanges {
  readonly onPod: (namespace: string, name: string, listener: Listener) => () => void
  readonly onService: (namespace: string, service: string, listener: Listener) => () => void
  readonly onAll: (listener: Listener) => () => void
  /** Returns when `holds` is true, which is checked at once and after each change of the pod. */
  readonly until: (namespace: string, name: string, holds: () => boolean) => Effect.Effect<void>
}

export const makePodChanges = Effect.fn("makePodChanges")(function* (cache: ClusterCache["Type"]) {
  const listeners = new Map<string, Set<Listener>>()
  const on = (key: string, listener: Listener) => {
    const known = listeners.get(key)
    if (known === undefined) listeners.set(key, new Set([listener]))
    else known.add(listener)
    return () => {
      const left = listeners.get(key)
      left?.delete(listener)
      if (left?.size === 0) listeners.delete(key)
    }
  }
  const tell = (key: string, change: CacheChange) => {
    for (const listener of [...(listeners.get(key) ?? [])]) listener(change)
  }
  yield* cache.changes.pipe(
    Stream.runForEachChunk((changes) =>
      Effect.sync(() => {
        for (const change of changes) {
          if (change.kind !== "pod" && change.kind !== "service") continue
          if (change.kind === "pod") tell(podKey(change.namespace, change.name), change)
          if (change.service !== undefined) tell(serviceKey(change.namespace, change.service), change)
          tell(all, change)
        }
      })
    ),
    Effect.forkScoped
  )
  const onPod: PodChanges["onPod"] = (namespace, name, listener) => on(podKey(namespace, name), listener)
  const changes: PodChanges = {
    onPod,
    onService: (namespace, service, listener) => on(serviceKey(namespace, service), listener),
    onAll: (listener) => on(all, listener),
    until: (namespace, name, holds) =>
      Effect.async<void>((resume) => {
        if (holds()) return resume(Effect.void)
        const stop = onPod(namespace, name, () => {
          if (!holds()) return
          stop()
          resume(Effect.void)
        })
        return Effect.sync(stop)
      })
  }
  return changes
})
