import { keyOf } from "./ObjectIndex.ts"
import type { EventObject } from "./objects.ts"

const keptOfAnObject = 20
/** An app that restarts its instances forever has new objects with each. */
const keptOfANamespace = 500
const keptMillis = 60 * 60 * 1000
/** How many events of unknown namespaces to keep: an event may arrive before its namespace. */
const keptOfStrangers = 500

type Involved = Pick<EventObject["involvedObject"], "kind" | "name">

/** When an event last happened, in milliseconds; 0 if it doesn't say. */
const timeOf = ({ eventTime, lastTimestamp, metadata }: EventObject): number => {
  const millis = Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp)
  return Number.isNaN(millis) ? 0 : millis
}

/** Warnings about objects in our namespaces: the newest of each object, for an hour. */
export class WarningEvents {
  /** By namespace, then by kind and name of the object, then by the event's own name. The quietest of each comes first. */
  readonly #byNamespace = new Map<string, Map<string, Map<string, EventObject>>>()
  readonly #sizes = new Map<string, number>()
  readonly #strangers = new Map<string, EventObject>()
  readonly #isOurs: (namespace: string) => boolean

  constructor(isOurs: (namespace: string) => boolean) {
    this.#isOurs = isOurs
  }

  get size() {
    let size = 0
    for (const ofNamespace of this.#sizes.values()) size += ofNamespace
    return size
  }

  of(namespace: string, { kind, name }: Involved, nowMillis: number): ReadonlyArray<EventObject> {
    const events = this.#byNamespace.get(namespace)?.get(keyOf(kind, name))
    if (events === undefined) return []
    return [...events.values()]
      .filter((event) => nowMillis - timeOf(event) < keptMillis)
      .sort((a, b) => timeOf(a) - timeOf(b))
  }

  /** Is it about one of our namespaces? */
  put(event: EventObject): boolean {
    const { namespace } = event.metadata
    if (!this.#isOurs(namespace)) {
      const key = keyOf(namespace, event.metadata.name)
      this.#strangers.delete(key)
      this.#strangers.set(key, event)
      const [oldest] = this.#strangers.keys()
      if (this.#strangers.size > keptOfStrangers && oldest !== undefined) this.#strangers.delete(oldest)
      return false
    }
    const objects = this.#byNamespace.get(namespace) ?? new Map<string, Map<string, EventObject>>()
    this.#byNamespace.set(namespace, objects)
    const key = keyOf(event.involvedObject.kind, event.involvedObject.name)
    const events = objects.get(key) ?? new Map<string, EventObject>()
    // Move both to the end, so that the first entries are those that have been quiet the longest.
    objects.delete(key)
    objects.set(key, events)
    if (!events.delete(event.metadata.name)) this.#count(namespace, 1)
    events.set(event.metadata.name, event)
    const [oldest] = events.values()
    if (events.size > keptOfAnObject && oldest !== undefined) this.remove(oldest)
    const [quietest] = objects.values()
    const [first] = quietest?.values() ?? []
    if ((this.#sizes.get(namespace) ?? 0) > keptOfANamespace && first !== undefined) this.remove(first)
    return true
  }

  #count(namespace: string, by: number) {
    const size = (this.#sizes.get(namespace) ?? 0) + by
    if (size > 0) this.#sizes.set(namespace, size)
    else this.#sizes.delete(namespace)
  }

  remove({ involvedObject, metadata }: EventObject) {
    this.#strangers.delete(keyOf(metadata.namespace, metadata.name))
    const objects = this.#byNamespace.get(metadata.namespace)
    const key = keyOf(involvedObject.kind, involvedObject.name)
    const events = objects?.get(key)
    if (events?.delete(metadata.name) === true) this.#count(metadata.namespace, -1)
    if (events?.size === 0) objects?.delete(key)
    if (objects?.size === 0) this.#byNamespace.delete(metadata.namespace)
  }

  /** A namespace is now ours: takes over its events that arrived earlier. */
  adopt(namespace: string): ReadonlyArray<EventObject> {
    const theirs = [...this.#strangers.values()].filter((object) => object.metadata.namespace === namespace)
    for (const event of theirs) {
      this.#strangers.delete(keyOf(namespace, event.metadata.name))
      this.put(event)
    }
    return theirs
  }

  forget(namespace: string) {
    this.#byNamespace.delete(namespace)
    this.#sizes.delete(namespace)
  }

  /** Replaces everything with a new list: what it lacks has expired. */
  replace(events: ReadonlyArray<EventObject>): ReadonlyArray<EventObject> {
    this.#byNamespace.clear()
    this.#sizes.clear()
    this.#strangers.clear()
    return [...events].sort((a, b) => timeOf(a) - timeOf(b)).filter((event) => this.put(event))
  }

  /** Drops those older than an hour. */
  expire(nowMillis: number) {
    for (const objects of this.#byNamespace.values()) {
      for (const events of objects.values()) {
        for (const event of events.values()) if (nowMillis - timeOf(event) >= keptMillis) this.remove(event)
      }
    }
  }
}
