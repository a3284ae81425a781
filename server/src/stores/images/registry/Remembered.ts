/** A map of bounded size with expiry. When it's full, it evicts the least recently used entry. */
export class Remembered<A> {
  readonly #capacity: number
  readonly #entries = new Map<string, { readonly value: A; readonly until: number }>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get(key: string): A | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    if (entry.until <= performance.now()) return undefined
    this.#entries.set(key, entry)
    return entry.value
  }

  /** For this many milliseconds; without them until it has to make room. */
  set(key: string, value: A, milliseconds = Number.POSITIVE_INFINITY): void {
    this.#entries.delete(key)
    this.#entries.set(key, { value, until: performance.now() + milliseconds })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > this.#capacity && oldest !== undefined) this.#entries.delete(oldest)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }
}
