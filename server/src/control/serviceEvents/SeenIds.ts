/** How many ids to remember. */
const most = 10_000

/** Ids that came lately: a runtime repeats what a status still says, and the database needn't be asked each time. */
export class SeenIds {
  readonly #ids = new Set<string>()

  isNew(id: string): boolean {
    if (this.#ids.has(id)) return false
    this.#ids.add(id)
    const [oldest] = this.#ids
    if (this.#ids.size > most && oldest !== undefined) this.#ids.delete(oldest)
    return true
  }
}
