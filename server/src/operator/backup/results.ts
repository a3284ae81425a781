/** The contents of a backup. */
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

/** The restored contents. */
export interface Restored {
  /** When the backup was made: RFC 3339. */
  readonly createdAt: string
  readonly tables: number
  readonly files: number
  /** The folder with the former data; absent if there was none. */
  readonly setAside?: string
  /** Organizations and people that had been erased since, and now are again. */
  readonly erasedAgain: number
}
