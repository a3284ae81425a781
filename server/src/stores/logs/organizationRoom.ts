/** An organization's bytes, as far as we know them. */
interface Count {
  /** Bytes of all chunks at the last check; undefined: not since the start. */
  found: number | undefined
  /** Written since. */
  written: number
  /** Being written. */
  writing: number
  removing: Promise<number> | undefined
}

export interface Removed {
  /** Remaining and removed bytes. */
  readonly left: number
  readonly removed: number
}

/**
 * The share of the quota that's left after a removal, so that the next removal, which reads all chunks, isn't needed
 * soon.
 */
const leftOver = 0.9

/**
 * Keeps each organization's chunks within its quota while they're written, from all its services at once. A chunk costs
 * an addition. Only if the sum exceeds the quota are all chunks of that organization checked, and the oldest removed,
 * once for all who wait.
 */
export class OrganizationRoom {
  readonly #quota: (organization: string) => number
  readonly #remove: (organization: string, bytes: number) => Promise<Removed>
  readonly #counts = new Map<string, Count>()

  /** `remove`: removes the oldest chunks until there are at most `bytes`. */
  constructor(
    quota: (organization: string) => number,
    remove: (organization: string, bytes: number) => Promise<Removed>
  ) {
    this.#quota = quota
    this.#remove = remove
  }

  /** undefined: not known yet. */
  bytes(organization: string): number | undefined {
    const count = this.#counts.get(organization)
    return count?.found === undefined ? undefined : count.found + count.written
  }

  /** Makes room for a chunk, then writes it. */
  async write(organization: string, bytes: number, write: () => Promise<void>): Promise<void> {
    const count = this.#of(organization)
    count.writing += bytes
    try {
      while (this.#isOver(organization, count)) {
        if ((await this.#makeRoom(organization, count, leftOver)) === 0) break
      }
      await write()
      count.written += bytes
    } finally {
      count.writing -= bytes
    }
  }

  /** Checks all chunks again, and removes those beyond the retention or quota. */
  async check(organization: string): Promise<void> {
    await this.#makeRoom(organization, this.#of(organization), 1)
  }

  forget(organization: string): void {
    this.#counts.delete(organization)
  }

  #of(organization: string): Count {
    const known = this.#counts.get(organization)
    if (known !== undefined) return known
    const count: Count = { found: undefined, written: 0, writing: 0, removing: undefined }
    this.#counts.set(organization, count)
    return count
  }

  #isOver(organization: string, { found = 0, writing, written }: Count): boolean {
    return found + written + writing > this.#quota(organization)
  }

  /** Returns how many bytes were removed. Concurrent callers wait for the same removal. */
  #makeRoom(organization: string, count: Count, share: number): Promise<number> {
    count.removing ??= (async () => {
      // Lines written during the check may be found as well. They count twice until the next check, but are never
      // missed.
      const before = count.written
      const most = Math.max(0, Math.floor(this.#quota(organization) * share) - count.writing)
      const { left, removed } = await this.#remove(organization, most)
      count.found = left
      count.written -= before
      return removed
    })().finally(() => {
      count.removing = undefined
    })
    return count.removing
  }
}
