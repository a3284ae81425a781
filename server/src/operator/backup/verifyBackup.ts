import { Effect } from "effect"
import { readHeader } from "./backupFile.ts"
import { keyOfBackup, readWhole, refusing } from "./restore.ts"

/** Fails unless a backup opens under this server's master key, and is complete. */
export const verifyBackup = (path: string) =>
  Effect.gen(function* () {
    const header = yield* refusing(() => readHeader(path))
    const key = yield* keyOfBackup(header)
    yield* refusing(() => readWhole(path, key))
  })
