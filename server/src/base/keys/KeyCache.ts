interface Entry<A> {
  readonly value: A
  readonly expires: number
}

/** Evicts the least recently used entries beyond `capacity`, and each entry after `ms`. */
const expiring = <A>(capacity: number, ms: number, now: () => number) => {
  const entries = new Map<string, Entry<A>>()
  return {
    get: (key: string): A | undefined => {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      entries.delete(key)
      if (entry.expires <= now()) return undefined
      entries.set(key, entry)
      return entry.value
    },
    set: (key: string, value: A) => {
      entries.delete(key)
      entries.set(key, { value, expires: now() + ms })
      const oldest = entries.size > capacity ? entries.keys().next().value : undefined
      if (oldest !== undefined) entries.delete(oldest)
    },
    delete: (key: string) => entries.delete(key),
    deleteWhere: (is: (value: A) => boolean) => {
      for (const [key, { value }] of entries) if (is(value)) entries.delete(key)
    }
  }
}

export interface DataKey {
  readonly id: string
  /** The key's owner, as in the master key's context. */
  readonly owner: string
  readonly bytes: Uint8Array
}

/** Unwrapped data keys in memory, and which of an owner's keys seals. */
export interface KeyCache {
  readonly find: (id: string) => DataKey | undefined
  readonly sealing: (owner: string) => DataKey | undefined
  readonly keep: (key: DataKey) => void
  /** Only for a committed key: a rolled back one must not seal values. */
  readonly keepSealing: (key: DataKey) => void
  /** Looks up an owner's keys again. */
  readonly forgetSealing: (owner: string) => void
  /**
   * Forgets an owner's keys, and caches none of them for `ms`: until the erasure is committed, others may still read
   * them.
   */
  readonly erase: (owner: string) => void
}

export const makeKeyCache = (capacity: number, ms: number, now: () => number = () => performance.now()): KeyCache => {
  const keys = expiring<DataKey>(capacity, ms, now)
  const sealing = expiring<DataKey>(capacity, ms, now)
  const erased = expiring<true>(capacity, ms, now)
  return {
    find: keys.get,
    sealing: sealing.get,
    keep: (key) => {
      if (erased.get(key.owner) === undefined) keys.set(key.id, key)
    },
    keepSealing: (key) => {
      if (erased.get(key.owner) === undefined) sealing.set(key.owner, key)
    },
    forgetSealing: (owner) => sealing.delete(owner),
    erase: (owner) => {
      erased.set(owner, true)
      sealing.delete(owner)
      keys.deleteWhere((key) => key.owner === owner)
    }
  }
}
