/** Something that this server has built or installed, and makes anew if it's gone. */
export interface CacheEntry {
  readonly organization: { readonly id: string; readonly name: string }
  /** `built`: a source as it runs; `dependencies`: what its lockfile installs; `damaged`: what was set aside. */
  readonly kind: "built" | "dependencies" | "damaged"
  readonly name: string
  /** Of its files. What is built shares those of its dependencies. */
  readonly bytes: number
  /** When it was built, used last or set aside (RFC 3339). */
  readonly at: string
  /** Does a service run from it, or a build that goes on now use it? */
  readonly inUse: boolean
}

export interface ClearedCache {
  readonly removed: ReadonlyArray<CacheEntry>
  readonly kept: ReadonlyArray<CacheEntry>
}
