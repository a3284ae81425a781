import { randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { stat } from "node:fs/promises"
import { Effect } from "effect"
import pg from "pg"
import { to } from "pg-copy-streams"
import { intoAnother, refuseRestoring, restoreAgain } from "../../base/database/restoring.ts"
import { errorText } from "../../base/host/systemFault.ts"
import { MasterKey } from "../../base/keys/MasterKey.ts"
import { DatabaseError } from "../../base/postgres/DatabaseError.ts"
import { version } from "../../base/settings/version.ts"
import { BackupError } from "./BackupError.ts"
import { ownerConnection } from "./backupDatabase.ts"
import { type Entries, type Header, type WriteOptions, writeBackup } from "./backupFile.ts"
import type { DatabasePlace } from "./DatabasePlace.ts"
import { contentOf, keptFiles } from "./dataFiles.ts"
import type { Backup } from "./results.ts"
import { migrationOf, tablesOf } from "./tables.ts"

/** The context that a backup's wrapped key is bound to. */
export const keyContext = (createdAt: string) => `backup/${createdAt}`

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** One snapshot of the database, then the data folder's files (if it's named) as they are after it. */
async function* contents(
  client: pg.ClientBase,
  dataDir: string | undefined,
  count: { tables: number; rows: number; files: number }
): Entries {
  const name = pg.escapeIdentifier
  await client.query("begin isolation level repeatable read read only")
  yield { entry: { type: "tables", migration: await migrationOf(client) }, data: nothing() }
  for (const table of await tablesOf(client)) {
    const rows = client.query(
      to(`copy (select ${table.columns.map(name).join(", ")} from ${name(table.name)}) to stdout`)
    )
    yield { entry: { type: "table", ...table }, data: rows }
    count.tables++
    count.rows += rows.rowCount
  }
  await client.query("commit")
  if (dataDir === undefined) return
  for await (const path of keptFiles(dataDir)) {
    yield { entry: { type: "file", path }, data: contentOf(dataDir, path) }
    count.files++
  }
}

export interface BackupOptions extends Pick<WriteOptions, "watch"> {
  /** Only the database, without files of the data folder. @default false */
  readonly databaseOnly?: boolean
}

/**
 * Backs up the whole server to `path` while servers run: the database as of one moment, archives of sources, and log
 * lines. Without the master key. Readable only by this user.
 */
export const backup = (path: string, place: DatabasePlace, { databaseOnly = false, watch }: BackupOptions = {}) =>
  Effect.gen(function* () {
    const masterKey = yield* MasterKey
    if (existsSync(path)) {
      return yield* new BackupError({ reason: "target", message: `${path} already exists. Choose another name.` })
    }
    const client = yield* ownerConnection(place)
    yield* refuseRestoring(client, place.databaseUrl === undefined ? restoreAgain(place.dataDir) : intoAnother)
    const createdAt = new Date().toISOString()
    const key = randomBytes(32)
    const wrapped = yield* masterKey.wrap(key, keyContext(createdAt))
    const header: Header = {
      format: 1,
      version,
      createdAt,
      masterKeyId: wrapped.masterKeyId,
      wrappedKey: Buffer.from(wrapped.bytes).toString("base64"),
      ...(databaseOnly ? { holds: "database" } : {})
    }
    const count = { tables: 0, rows: 0, files: 0 }
    yield* Effect.tryPromise({
      try: (signal) =>
        writeBackup(path, header, key, contents(client, databaseOnly ? undefined : place.dataDir, count), {
          signal,
          ...(watch === undefined ? {} : { watch })
        }),
      catch: (cause) =>
        cause instanceof BackupError || cause instanceof DatabaseError
          ? cause
          : new BackupError({
              reason: "database",
              message: `Couldn't write the backup, and removed what was written. ${errorText(cause, path)}`,
              cause
            })
    })
    const { size: bytes } = yield* Effect.promise(() => stat(path))
    return { path, bytes, masterKeyId: wrapped.masterKeyId, ...count } satisfies Backup
  }).pipe(Effect.scoped, Effect.withSpan("backup"))
