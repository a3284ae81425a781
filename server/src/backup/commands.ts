import { Effect, Either, Logger } from "effect"
import * as masterKey from "../keys/masterKeyLayer.ts"
import { readSettings, type ServerSettings } from "../ServerConfig.ts"
import type { BackupError } from "./BackupError.ts"
import { backup } from "./backup.ts"
import { restore } from "./restore.ts"
import type { Backup, Restored } from "./results.ts"

export type BackupResult<A> =
  | { readonly ok: true; readonly value: A }
  | { readonly ok: false; readonly reason: BackupError["reason"]; readonly message: string }

const reasons = {
  InvalidSetting: "setting",
  DatabaseError: "database",
  MasterKeyError: "key",
  JournalError: "target"
} as const

type Failed = BackupError | { readonly _tag: keyof typeof reasons; readonly message: string }

const run = async <A>(
  options: Partial<ServerSettings>,
  effect: (settings: ServerSettings) => Effect.Effect<A, Failed>
): Promise<BackupResult<A>> =>
  Either.match(
    await readSettings(options).pipe(
      Effect.flatMap(effect),
      Effect.provide(Logger.remove(Logger.defaultLogger)),
      Effect.either,
      Effect.runPromise
    ),
    {
      onLeft: (error: Failed) => ({
        ok: false,
        reason: error._tag === "BackupError" ? error.reason : reasons[error._tag],
        message: error.message
      }),
      onRight: (value) => ({ ok: true, value })
    }
  )

/** `maxcloud server backup`: of what the settings say, before which `options` come. */
export const backupServer = (path: string, options: Partial<ServerSettings> = {}): Promise<BackupResult<Backup>> =>
  run(options, (settings) => Effect.provide(backup(path, settings), masterKey.layerExisting(settings)))

/** `maxcloud server restore`. */
export const restoreServer = (path: string, options: Partial<ServerSettings> = {}): Promise<BackupResult<Restored>> =>
  run(options, (settings) => Effect.provide(restore(path, settings), masterKey.layerExisting(settings)))
