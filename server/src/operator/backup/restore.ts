import { existsSync } from "node:fs"
import { mkdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Exit, Option, Redacted, Schema } from "effect"
import pg from "pg"
import { from } from "pg-copy-streams"
import { freeAll } from "../../base/database/leasedTables.ts"
import { makeSqlClient } from "../../base/database/makeSqlClient.ts"
import { migrate } from "../../base/database/migrate.ts"
import { migrations } from "../../base/database/migrations/index.ts"
import { makePool } from "../../base/database/PgPool.ts"
import { asServer } from "../../base/database/RowScope.ts"
import { intoAnother, isRestoring, markRestoring, unmarkRestoring } from "../../base/database/restoring.ts"
import { errorText } from "../../base/host/systemFault.ts"
import { MasterKey } from "../../base/keys/MasterKey.ts"
import { connect } from "../../base/postgres/connect.ts"
import { DatabaseError } from "../../base/postgres/DatabaseError.ts"
import { folderLock } from "../../base/postgres/folderLock.ts"
import { markOfSetAside } from "../../base/postgres/restoreMark.ts"
import { serverRole, startLocked } from "../../base/postgres/startEmbedded.ts"
import { JournalLine, journalName, readJournal } from "../../control/privacy/ErasureJournal.ts"
import { eraseAgain } from "../../control/privacy/eraseAgain.ts"
import { BackupError } from "./BackupError.ts"
import { keyContext } from "./backup.ts"
import { showAll } from "./backupDatabase.ts"
import { type Header, readBackup, readHeader } from "./backupFile.ts"
import type { DatabasePlace } from "./DatabasePlace.ts"
import { occupied, restoreFile, roots } from "./dataFiles.ts"
import type { Restored } from "./results.ts"
import { databaseParts, setAside } from "./setAside.ts"
import { migrationOf, tablesOf } from "./tables.ts"

const name = pg.escapeIdentifier

/** A failure means that the backup can't be restored. */
export const refusing = <A>(evaluate: () => Promise<A>) =>
  Effect.tryPromise({
    try: evaluate,
    catch: (cause) =>
      cause instanceof BackupError || cause instanceof DatabaseError
        ? cause
        : new BackupError({
            reason: "database",
            message: `Couldn't restore the backup. ${errorText(cause)}`,
            cause
          })
  })

/** The key of a backup, unwrapped with the master key. */
export const keyOfBackup = ({ createdAt, masterKeyId, wrappedKey }: Header) =>
  Effect.gen(function* () {
    const masterKey = yield* MasterKey
    const wrapped = { masterKeyId, bytes: Buffer.from(wrappedKey, "base64") }
    const wrong = Effect.fail(
      new BackupError({
        reason: "key",
        message: `The backup opens only with the master key ${masterKeyId}, which isn't ${masterKey.name}. Use that key, or name it in MAXCLOUD_MASTER_KEYS_FORMER.`
      })
    )
    if (!masterKey.holds(masterKeyId)) return yield* wrong
    return yield* masterKey.unwrap(wrapped, keyContext(createdAt)).pipe(
      Effect.catchIf(
        (error) => error.reason !== "unreachable",
        () => wrong
      )
    )
  })

/** Reads the backup to its end, and checks that this version can restore it. */
export const readWhole = async (path: string, key: Uint8Array): Promise<number> => {
  let migration: number | undefined
  for await (const { data, entry } of readBackup(path, key)) {
    if (entry.type === "tables") migration = entry.migration
    for await (const _ of data);
  }
  const newest = migrations.at(-1)?.id ?? 0
  if (migration === undefined || migration > newest) {
    throw new BackupError({
      reason: "file",
      message: `The backup was made by a newer version of max-cloud (its tables are at ${migration}, this version knows ${newest}). Restore it with that version.`
    })
  }
  return migration
}

const refuseRows = async (client: pg.ClientBase, migration: number) => {
  const present = await migrationOf(client)
  const full = []
  for (const table of present === 0 ? [] : await tablesOf(client)) {
    const { rowCount } = await client.query(`select 1 from ${name(table.name)} limit 1`)
    if ((rowCount ?? 0) > 0) full.push(table.name)
  }
  if (full.length > 0 && (await isRestoring(client))) {
    throw new BackupError({
      reason: "target",
      message:
        "An earlier restore into this database was interrupted. Restore into another, empty database: create database NAME, name it in DATABASE_URL, and name a data folder that has only the keys and erasures.jsonl. This database stays unchanged."
    })
  }
  if (full.length > 0 || present > migration) {
    throw new BackupError({
      reason: "target",
      message: `The database isn't empty (${full.length > 0 ? full.slice(0, 5).join(", ") : "its tables are of a newer version"}). Restore into an empty one. Nothing has changed.`
    })
  }
}

/**
 * Loads all rows in one transaction. If row security applies to the owner too, COPY needs it off, for this transaction
 * only.
 */
const fill = async (
  client: pg.ClientBase,
  path: string,
  key: Uint8Array,
  onFile: (path: string, data: AsyncIterable<Uint8Array>) => Promise<void>
) => {
  await client.query("begin")
  try {
    const { rows: forced } = await client.query<{ table: string }>(
      `select relname as table from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relforcerowsecurity`
    )
    for (const { table } of forced) await client.query(`alter table ${name(table)} no force row level security`)
    // Copied as they are, not appended.
    const audit = forced.flatMap(({ table }) => (table.startsWith("audit_") ? [name(table)] : []))
    for (const table of audit) await client.query(`alter table ${table} disable trigger user`)
    let tables = 0
    let files = 0
    for await (const { data, entry } of readBackup(path, key)) {
      if (entry.type === "table") {
        const columns = entry.columns.map(name).join(", ")
        await pipeline(Readable.from(data), client.query(from(`copy ${name(entry.name)} (${columns}) from stdin`)))
        tables++
      }
      if (entry.type === "file") {
        await onFile(entry.path, data)
        files++
      }
    }
    const { rows: counted } = await client.query<{ table: string; column: string }>(
      `select c.relname as table, a.attname as column from pg_attribute a join pg_class c on c.oid = a.attrelid
       where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attidentity <> ''`
    )
    for (const { column, table } of counted) {
      await client.query(
        `select setval(pg_get_serial_sequence($1, $2), coalesce(max(${name(column)}), 1), max(${name(column)}) is not null) from ${name(table)}`,
        [table, column]
      )
    }
    // Held by dead servers.
    for (const statement of freeAll) await client.query(statement)
    for (const table of audit) await client.query(`alter table ${table} enable trigger user`)
    for (const { table } of forced) await client.query(`alter table ${name(table)} force row level security`)
    await client.query("commit")
    return { tables, files }
  } catch (error) {
    await client.query("rollback").catch(() => {})
    await unmarkRestoring(client).catch(() => {})
    throw error
  }
}

/** The journal of erasures. Fails if a complete line can't be read, because then we can't tell what to erase again. */
const journalOf = (dataDir: string) =>
  Effect.gen(function* () {
    const path = join(dataDir, journalName)
    const strange = yield* refusing(async () => {
      const lines = existsSync(path) ? (await readFile(path, "utf8")).split("\n") : []
      return lines.findIndex((line) => isJson(line) && !isJournalLine(line))
    })
    if (strange < 0) return yield* readJournal(path)
    return yield* new BackupError({
      reason: "target",
      message: `Line ${strange + 1} of ${path} isn't readable by this version, so the data it lists as erased would come back. Restore with the version of max-cloud that wrote it.`
    })
  })

const isJournalLine = (text: string) => Option.isSome(Schema.decodeUnknownOption(Schema.parseJson(JournalLine))(text))
const isJson = (text: string) => Option.isSome(Schema.decodeUnknownOption(Schema.parseJson())(text))

const refuseDatabase = (dataDir: string) =>
  existsSync(join(dataDir, "postgres"))
    ? new BackupError({
        reason: "target",
        message: `${dataDir} already has a database. To replace it and keep a copy, add --set-aside. Or name an empty folder (--data-dir) that has the master key in it.`
      })
    : Effect.void

/**
 * The target database as its owner and as the server's role. An embedded one is created in the folder, which the caller
 * has claimed, and removed again if the restore fails.
 */
const target = ({ dataDir, databaseUrl, migrationDatabaseUrl }: DatabasePlace) =>
  Effect.gen(function* () {
    if (databaseUrl !== undefined) {
      const server: pg.ClientConfig = { connectionString: Redacted.value(databaseUrl) }
      const role = yield* Effect.map(connect(server), (client) => client.user ?? serverRole).pipe(Effect.scoped)
      return { owner: { connectionString: Redacted.value(migrationDatabaseUrl ?? databaseUrl) }, server, role }
    }
    yield* refuseDatabase(dataDir)
    yield* Effect.addFinalizer((exit) =>
      Exit.isSuccess(exit)
        ? Effect.void
        : Effect.promise(async () => {
            await rm(join(dataDir, "postgres"), { recursive: true, force: true })
            await rm(join(dataDir, "postgres.password"), { force: true })
          })
    )
    const { owner, server } = yield* startLocked(dataDir)
    return { owner, server, role: serverRole }
  })

export interface RestoreOptions {
  /**
   * Move the data that the backup replaces into `set-aside/` of the data folder first. @default false: refuse to replace
   * data
   */
  readonly setAside?: boolean
}

/** The data folder's content that a backup of these contents replaces. */
const replaced = ({ holds }: Header) => (holds === "database" ? databaseParts : [...databaseParts, ...roots])

const setAsideFor = (header: Header, { dataDir, databaseUrl }: DatabasePlace) =>
  databaseUrl === undefined
    ? setAside(dataDir, replaced(header))
    : new BackupError({
        reason: "target",
        message:
          "--set-aside only works with the embedded database. Restore into another, empty database: create database NAME, and name it in DATABASE_URL."
      })

/**
 * Restores a backup into an empty database and data folder, migrates it to this version, and erases again what the
 * folder's journal of erasures names. Reads the file to its end before it writes anything. No server can start on the
 * database before the restore is complete.
 */
export const restore = (path: string, place: DatabasePlace, options: RestoreOptions = {}) =>
  Effect.gen(function* () {
    const header = yield* refusing(() => readHeader(path))
    const key = yield* keyOfBackup(header)
    const migration = yield* refusing(() => readWhole(path, key))
    if (place.databaseUrl === undefined) {
      if (options.setAside !== true) yield* refuseDatabase(place.dataDir)
      yield* folderLock(place.dataDir)
    }
    const former = options.setAside === true ? yield* setAsideFor(header, place) : undefined
    const full = header.holds === "database" ? [] : yield* refusing(() => occupied(place.dataDir))
    if (full.length > 0) {
      return yield* new BackupError({
        reason: "target",
        message: `${full.join(" and ")} ${full.length > 1 ? "aren't" : "isn't"} empty. To replace the content and keep a copy, add --set-aside. Or name an empty folder (--data-dir) that has the master key in it. Nothing has changed.`
      })
    }
    const journal = yield* journalOf(place.dataDir)
    const erased = new Set(journal.map((each) => each.id))
    yield* refusing(() => mkdir(place.dataDir, { recursive: true, mode: 0o711 }))
    const { owner, role, server } = yield* target(place)
    const client = yield* connect(owner)
    yield* showAll(client)
    yield* refusing(() => refuseRows(client, migration))
    yield* migrate(
      client,
      role,
      migrations.filter((each) => each.id <= migration)
    )
    yield* Effect.addFinalizer((exit) =>
      Exit.isSuccess(exit) || header.holds === "database"
        ? Effect.void
        : Effect.promise(async () => {
            for (const root of roots) await rm(join(place.dataDir, root), { recursive: true, force: true })
          })
    )
    yield* refusing(() => markRestoring(client))
    const filled = yield* refusing(() =>
      fill(client, path, key, async (file, data) => {
        if (!file.split("/").some((part) => erased.has(part))) await restoreFile(place.dataDir, file, data)
      })
    )
    yield* migrate(client, role)
    const sql = yield* makeSqlClient(yield* makePool(server, { connections: 2 }), [])
    const erasedAgain = yield* eraseAgain(journal).pipe(
      asServer,
      Effect.provideService(SqlClient, sql),
      Effect.mapError(
        (cause) =>
          new BackupError({
            reason: "database",
            message: `Restored the backup, but couldn't erase again what had been erased since: ${cause.message}. ${place.databaseUrl === undefined ? "Nothing of it is kept. Restore again." : `No server starts on it: ${intoAnother}`}`,
            cause
          })
      )
    )
    yield* refusing(() => unmarkRestoring(client))
    yield* refusing(() => rm(markOfSetAside(place.dataDir), { force: true }))
    return {
      createdAt: header.createdAt,
      ...filled,
      ...(former === undefined ? {} : { setAside: former }),
      erasedAgain
    } satisfies Restored
  }).pipe(Effect.scoped, Effect.withSpan("restore"))
