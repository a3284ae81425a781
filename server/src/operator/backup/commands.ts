import { Effect, Either, Logger } from "effect"
import * as masterKey from "../../base/keys/masterKeyLayer.ts"
import { backupFolderOf, backupsIn } from "../../base/postgres/backupFiles.ts"
import { readSettings, type ServerSettings } from "../../base/settings/ServerConfig.ts"
import { BackupError } from "./BackupError.ts"
import { backup } from "./backup.ts"
import { type RestoreOptions, restore } from "./restore.ts"
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

/** `maxcloud server backup` with the settings of the environment; `options` take precedence. */
export const backupServer = (path: string, options: Partial<ServerSettings> = {}): Promise<BackupResult<Backup>> =>
  run(options, (settings) => Effect.provide(backup(path, settings), masterKey.layerExisting(settings)))

const newestBackup = ({ backupFolder, dataDir }: ServerSettings): Effect.Effect<string, BackupError> => {
  const folder = backupFolderOf(dataDir, backupFolder)
  const newest = backupsIn(folder)[0]
  return newest === undefined
    ? new BackupError({ reason: "file", message: `No backup found in ${folder}. Name the file of one.` })
    : Effect.succeed(newest.path)
}

/** `maxcloud server restore`. Without `path` it restores the server's newest automatic backup. */
export const restoreServer = (
  path: string | undefined,
  options: Partial<ServerSettings> = {},
  restoring: RestoreOptions = {}
): Promise<BackupResult<Restored>> =>
  run(options, (settings) =>
    (path === undefined ? newestBackup(settings) : Effect.succeed(path)).pipe(
      Effect.flatMap((file) => restore(file, settings, restoring)),
      Effect.provide(masterKey.layerExisting(settings))
    )
  )
