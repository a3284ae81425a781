/** The direct contents of a folder, by name. */
export interface Listing {
  readonly files: ReadonlyArray<string>
  readonly folders: ReadonlyArray<string>
}

/**
 * Storage for chunks of logs: a folder or a bucket. Keys are names joined by `/`. Every method rejects with the error of
 * the file system or of the bucket's server.
 */
export interface ObjectStore {
  /** For messages: the folder, or the bucket and its server. */
  readonly place: string
  /** All or nothing. Durable when it returns. */
  readonly put: (key: string, bytes: Uint8Array) => Promise<void>
  /** undefined: there's none with this key. */
  readonly get: (key: string) => Promise<Uint8Array | undefined>
  /** Names in `folder` (without a trailing slash; empty: the top), sorted; files only those after `startAfter`. */
  readonly list: (folder: string, startAfter?: string) => Promise<Listing>
  /** A missing object is no error. */
  readonly delete: (key: string) => Promise<void>
  /** The folder and everything below it, including unfinished files left by a kill. */
  readonly deleteAll: (folder: string) => Promise<void>
  readonly close: () => Promise<void>
}
