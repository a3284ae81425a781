import type { MetadataObject } from "./objects.ts"

type Meta = MetadataObject["metadata"]

/** Separates the parts of a key: Kubernetes names can't contain it. */
export const keyOf = (namespace: string, name: string) => `${namespace}/${name}`

interface IndexOptions {
  /** Also by namespace, for kinds that are listed by namespace. @default no */
  readonly byNamespace?: boolean
}

/** Objects of one kind, indexed by name and by the service in their label. */
export class ObjectIndex<A extends { readonly metadata: Meta }> {
  readonly #byName = new Map<string, A>()
  readonly #byService = new Map<string, Map<string, A>>()
  readonly #serviceOf: (metadata: Meta) => string | undefined

  /** Names of the objects in each namespace. */
  readonly #inNamespace: Map<string, Set<string>> | undefined

  constructor(serviceOf: (metadata: Meta) => string | undefined, { byNamespace = false }: IndexOptions = {}) {
    this.#serviceOf = serviceOf
    this.#inNamespace = byNamespace ? new Map() : undefined
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

  /** Empty without the index by namespace. */
  inNamespace(namespace: string): ReadonlyArray<A> {
    return [...(this.#inNamespace?.get(namespace) ?? [])].flatMap((name) => this.get(namespace, name) ?? [])
  }

  all(): Iterable<A> {
    return this.#byName.values()
  }

  put(object: A) {
    const { name, namespace } = object.metadata
    this.remove(namespace, name)
    this.#byName.set(keyOf(namespace, name), object)
    const neighbours = this.#inNamespace?.get(namespace)
    if (neighbours === undefined) this.#inNamespace?.set(namespace, new Set([name]))
    else neighbours.add(name)
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
    const neighbours = this.#inNamespace?.get(namespace)
    neighbours?.delete(name)
    if (neighbours?.size === 0) this.#inNamespace?.delete(namespace)
    const service = this.#serviceOf(object.metadata)
    if (service === undefined) return
    const key = keyOf(namespace, service)
    const siblings = this.#byService.get(key)
    siblings?.delete(name)
    if (siblings?.size === 0) this.#byService.delete(key)
  }
}
