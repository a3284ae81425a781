import { chmodSync } from "node:fs"
import type { DatabaseSync } from "node:sqlite"

/** `node:sqlite`, without Node 22's warning that it's experimental: that would appear in every command's output. */
const sqlite = () => {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return process.getBuiltinModule("node:sqlite")
  } finally {
    process.emitWarning = emitWarning
  }
}

/** SQLite's answer if another connection holds the lock (SQLITE_BUSY). */
const busy = 5

const isBusy = (error: unknown): boolean => error instanceof Error && "errcode" in error && error.errcode === busy

/**
 * Takes a lock that the kernel holds for this process: returns its release, or `undefined` if another process holds it.
 * All processes of the machine see it, also in other containers, and it ends with its process, however that ends.
 * Node has no `flock`, so it's SQLite's exclusive transaction on an empty database (POSIX `fcntl` locks,
 * https://sqlite.org/lockingv3.html). Nothing else in this process may open `file`: closing it would release the lock.
 */
export const kernelLock = (file: string): (() => void) | undefined => {
  const database: DatabaseSync = new (sqlite().DatabaseSync)(file, { timeout: 0 })
  try {
    // A journal would be a file that others can read: SQLite creates it before it takes the lock, and so before we set
    // the mode.
    database.exec("pragma journal_mode = memory; begin exclusive")
    chmodSync(file, 0o600)
    return () => database.close()
  } catch (error) {
    database.close()
    if (isBusy(error)) return undefined
    throw error
  }
}
