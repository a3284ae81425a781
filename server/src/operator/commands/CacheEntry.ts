/** Something that this server has built or installed, and makes again if it's missing. */
export interface CacheEntry {
  readonly organization: { readonly id: string; readonly name: string }
  /** `built`: a built source; `dependencies`: the packages of its lockfile; `damaged`: entries that were set aside. */
  readonly kind: "built" | "dependencies" | "damaged"
  readonly name: string
  /** The bytes of its files. Built sources share the files of their dependencies. */
  readonly bytes: number
  /** When it was built, last used or set aside (RFC 3339). */
  readonly at: string
  /** Does a service run from it, or a running build use it? */
  readonly inUse: boolean
}

export interface ClearedCache {
  readonly removed: ReadonlyArray<CacheEntry>
  readonly kept: ReadonlyArray<CacheEntry>
}
