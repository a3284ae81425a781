import { mkdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { Context, type Duration, Effect, Layer } from "effect"
import { errorText } from "../../base/host/systemFault.ts"
import { MasterKey } from "../../base/keys/MasterKey.ts"
import { keepDoing } from "../../base/node/keepDoing.ts"
import {
  type AutomaticBackup,
  backupFolderOf,
  backupName,
  findBackups,
  findDrafts
} from "../../base/postgres/backupFiles.ts"
import { damageOf } from "../../base/postgres/damage.ts"
import { wayBack } from "../../base/postgres/wayBack.ts"
import type { ServerSettings } from "../../base/settings/ServerConfig.ts"
import { BackupError } from "./BackupError.ts"
import { backup } from "./backup.ts"
import { expectRoom, keepRoom, reservedBytes } from "./diskRoom.ts"
import { isBackupDue } from "./schedule.ts"

export interface BackupFailure {
  /** `skipped`: the disk is too full; `damaged`: the database can't be read; `failed`: anything else. */
  readonly state: "skipped" | "damaged" | "failed"
  readonly at: Date
  /** For the operator, so it may name folders. */
  readonly message: string
}

export interface BackupStatus {
  readonly folder: string
  readonly newest: AutomaticBackup | undefined
  /** Why the last attempt failed. undefined: it succeeded, or there was none yet. */
  readonly failure: BackupFailure | undefined
}

/** The automatic backups of the embedded database. */
export class AutomaticBackups extends Context.Tag("@maxcloud/server/AutomaticBackups")<
  AutomaticBackups,
  {
    /** undefined: they're off, or the database isn't the embedded one. */
    readonly status: Effect.Effect<BackupStatus | undefined>
  }
>() {}

export const layerOff = Layer.succeed(AutomaticBackups, { status: Effect.succeed(undefined) })

type Settings = Pick<ServerSettings, "dataDir" | "backupTime" | "backupKeep" | "backupFolder" | "minFreeDisk">

export interface AutomaticBackupsOptions {
  /** The delay of the first check after the start, so it doesn't slow the start. @default 1 minute */
  readonly after?: Duration.DurationInput
  /** The pause between checks. @default 1 minute */
  readonly every?: Duration.DurationInput
  /** The pause between a failure and the next attempt. @default 15 minutes */
  readonly retryAfter?: Duration.DurationInput
  /** Bytes to leave free on the disk. @default 1 GiB, and at least twice what the server itself leaves free */
  readonly reserve?: number
}

/** Log a repeated failure only once in this many attempts: with the usual pause, once a day. */
const loggedEvery = 96

/** The free space in the message differs between attempts. */
const isSame = (one: string, other: string) => one.replace(/\d+/g, "") === other.replace(/\d+/g, "")

const inFolder = <A>(folder: string, evaluate: () => Promise<A>) =>
  Effect.tryPromise({
    try: evaluate,
    catch: (cause) =>
      cause instanceof BackupError
        ? cause
        : new BackupError({
            reason: "target",
            message: `Couldn't use the backup folder ${folder}. ${errorText(cause, folder)} Or name another folder in MAXCLOUD_BACKUP_FOLDER.`,
            cause
          })
  })

/** Makes another backup in the folder, and deletes surplus ones only once it's complete. */
const makeOne = (settings: Settings, reserve: number) =>
  Effect.gen(function* () {
    const { backupKeep, dataDir } = settings
    const folder = backupFolderOf(dataDir, settings.backupFolder)
    yield* inFolder(folder, () => mkdir(folder, { recursive: true, mode: 0o700 }))
    // A killed server left it: only this server has the data folder now.
    const drafts = yield* Effect.promise(() => findDrafts(folder))
    for (const draft of drafts) yield* inFolder(folder, () => rm(draft, { force: true }))
    const [newest] = yield* Effect.promise(() => findBackups(folder))
    yield* inFolder(folder, () => expectRoom(folder, reserve, newest?.bytes ?? 0))
    const path = join(folder, backupName((newest?.sequence ?? 0) + 1, new Date()))
    const place = { dataDir, databaseUrl: undefined, migrationDatabaseUrl: undefined }
    const made = yield* backup(path, place, { databaseOnly: true, watch: keepRoom(folder, reserve) })
    const all = yield* Effect.promise(() => findBackups(folder))
    for (const old of all.slice(backupKeep)) yield* inFolder(folder, () => rm(old.path, { force: true }))
    return made
  })

/**
 * Makes a backup each day at the configured time, and soon after a start if one was missed. A failure never stops the
 * server.
 */
export const layer = (settings: Settings, options: AutomaticBackupsOptions = {}) =>
  Layer.scoped(
    AutomaticBackups,
    Effect.gen(function* () {
      const { after = "1 minute", every = "1 minute", retryAfter = "15 minutes" } = options
      const reserve = options.reserve ?? Math.max(reservedBytes, 2 * settings.minFreeDisk)
      const folder = backupFolderOf(settings.dataDir, settings.backupFolder)
      const masterKey = yield* MasterKey
      let newest: AutomaticBackup | undefined
      let failure: BackupFailure | undefined
      let repeated = 0

      const failed = (state: BackupFailure["state"], message: string) =>
        Effect.suspend(() => {
          repeated = failure !== undefined && isSame(failure.message, message) ? repeated + 1 : 0
          failure = { state, at: new Date(), message }
          return repeated % loggedEvery === 0
            ? Effect.logError(`Couldn't back up the database. ${message}`)
            : Effect.void
        })

      const find = Effect.map(
        Effect.promise(() => findBackups(folder)),
        ([found]) => {
          newest = found
        }
      )

      /** The time until the next check. */
      const look = Effect.flatMap(find, () =>
        isBackupDue(new Date(), settings.backupTime, newest?.createdAt)
          ? makeOne(settings, reserve).pipe(
              Effect.provideService(MasterKey, masterKey),
              Effect.tap(({ bytes, path, rows }) => {
                failure = undefined
                return Effect.andThen(
                  find,
                  Effect.logInfo(`Backed up the database: ${path} (${bytes} bytes, ${rows} rows)`)
                )
              }),
              Effect.as(every),
              Effect.catchAll((error) => {
                const damage = damageOf(error)
                const message =
                  damage === undefined
                    ? error.message
                    : `The database is damaged. Postgres says: ${damage}. ${wayBack(settings.dataDir, settings.backupFolder)}`
                const isSkipped = error._tag === "BackupError" && error.reason === "space"
                const state = damage !== undefined ? "damaged" : isSkipped ? "skipped" : "failed"
                return Effect.as(failed(state, message), retryAfter)
              })
            )
          : Effect.succeed(every)
      ).pipe(Effect.catchAllDefect((defect) => Effect.as(failed("failed", String(defect)), retryAfter)))
      // A start doesn't wait long for a disk that hangs.
      yield* Effect.timeoutOption(find, "2 seconds")
      yield* keepDoing("automatic backups", { every: 0, after }, Effect.flatMap(look, Effect.sleep))
      return { status: Effect.sync(() => ({ folder, newest, failure })) }
    })
  )
