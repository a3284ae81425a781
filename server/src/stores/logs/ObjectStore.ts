/** What is right below a folder, by name. */
export interface Listing {
  readonly files: ReadonlyArray<string>
  readonly folders: ReadonlyArray<string>
}

/**
 * Where chunks of logs are put: a folder or a bucket. Keys are names joined by `/`. All of it rejects with what the file system or the
 * bucket's server said.
 */
export interface ObjectStore {
  /** For messages: the folder, or the bucket and its server. */
  readonly place: string
  /** Whole or not at all. Durable when it returns. */
  readonly put: (key: string, bytes: Uint8Array) => Promise<void>
  /** undefined: there is none of this key. */
  readonly get: (key: string) => Promise<Uint8Array | undefined>
  /** Names in `folder` (without a slash at its end; empty: the top), sorted; files only those after `startAfter`. */
  readonly list: (folder: string, startAfter?: string) => Promise<Listing>
  /** Of what is not there: no error. */
  readonly delete: (key: string) => Promise<void>
  /** All below a folder, and the folder: also what a kill has left unfinished there. */
  readonly deleteAll: (folder: string) => Promise<void>
  readonly close: () => Promise<void>
}
