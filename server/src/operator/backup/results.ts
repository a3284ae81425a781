/** The contents of a backup. */
export interface Backup {
  /** The file's own path. */
  readonly path: string
  readonly bytes: number
  readonly tables: number
  readonly rows: number
  readonly files: number
  /** The name of the master key that opens the backup. */
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
  /** Organizations and people erased since the backup, and now erased again. */
  readonly erasedAgain: number
}
