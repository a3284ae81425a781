import type { MetadataObject } from "./objects.ts"

type Meta = MetadataObject["metadata"]

/** Separates the parts of a key: Kubernetes names can't contain it. */
export const keyOf = (namespace: string, name: string) => `${namespace}/${name}`

/** Objects of one kind, indexed by name and by the service in their label. */
export class ObjectIndex<A extends { readonly metadata: Meta }> {
  readonly #byName = new Map<string, A>()
  readonly #byService = new Map<string, Map<string, A>>()
  readonly #serviceOf: (metadata: Meta) => string | undefined

  constructor(serviceOf: (metadata: Meta) => string | undefined) {
    this.#serviceOf = serviceOf
  }

  get size() {
    return this.#byName.size
  }

  get(namespace: string, name: string): A | undefined {
    return this.#byName.get(keyOf(namespace, name))
  }

  ofService(namespace: string, service: string): ReadonlyArray<A> {
    return [...(this.#byService.get(keyOf(namespace, service))?.values() ?? [])]
  }

  all(): Iterable<A> {
    return this.#byName.values()
  }

  put(object: A) {
    const { name, namespace } = object.metadata
    this.remove(namespace, name)
    this.#byName.set(keyOf(namespace, name), object)
    const service = this.#serviceOf(object.metadata)
    if (service === undefined) return
    const key = keyOf(namespace, service)
    const siblings = this.#byService.get(key)
    if (siblings === undefined) this.#byService.set(key, new Map([[name, object]]))
    else siblings.set(name, object)
  }

  remove(namespace: string, name: string) {
    const object = this.#byName.get(keyOf(namespace, name))
    if (object === undefined) return
    this.#byName.delete(keyOf(namespace, name))
    const service = this.#serviceOf(object.metadata)
    if (service === undefined) return
    const key = keyOf(namespace, service)
    const siblings = this.#byService.get(key)
    siblings?.delete(name)
    if (siblings?.size === 0) this.#byService.delete(key)
  }
}
