/** What a backup has in it. */
export interface Backup {
  /** The file's own path. */
  readonly path: string
  readonly bytes: number
  readonly tables: number
  readonly rows: number
  readonly files: number
  /** Names the master key without which the backup cannot be opened. */
  readonly masterKeyId: string
}

/** What a restore has brought back. */
export interface Restored {
  /** When the backup was made: RFC 3339. */
  readonly createdAt: string
  readonly tables: number
  readonly files: number
  /** Where what was there before is kept; absent where nothing was. */
  readonly setAside?: string
  /** Organizations and people that had been erased since, and now are again. */
  readonly erasedAgain: number
}
