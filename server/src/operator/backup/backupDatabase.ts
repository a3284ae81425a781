import { existsSync } from "node:fs"
import { join } from "node:path"
import { Effect, Redacted, type Scope } from "effect"
import type pg from "pg"
import { settingsOf } from "../../base/database/Session.ts"
import { connect } from "../../base/postgres/connect.ts"
import { type DatabaseError, explain } from "../../base/postgres/DatabaseError.ts"
import { makeEmbeddedPostgres } from "../../base/postgres/EmbeddedPostgres.ts"
import { ownerRole } from "../../base/postgres/initialise.ts"
import { serverRole, startEmbedded } from "../../base/postgres/startEmbedded.ts"
import { BackupError } from "./BackupError.ts"
import type { DatabasePlace } from "./DatabasePlace.ts"

const embeddedOwner = ({
  backupFolder,
  dataDir
}: DatabasePlace): Effect.Effect<pg.ClientConfig, DatabaseError | BackupError, Scope.Scope> =>
  Effect.gen(function* () {
    if (!existsSync(join(dataDir, "postgres/data"))) {
      return yield* new BackupError({
        reason: "target",
        message: `No database found in ${dataDir}. Name the data folder (--data-dir), or the database (DATABASE_URL).`
      })
    }
    const { isRunning, password, socketFolder } = yield* Effect.tryPromise({
      try: () => makeEmbeddedPostgres(dataDir),
      catch: (error) => explain("The database cannot be reached", dataDir, error)
    })
    // A running server has it, and keeps running.
    if (isRunning()) return { host: socketFolder, port: 5432, user: ownerRole, database: serverRole, password }
    return (yield* startEmbedded(dataDir, backupFolder)).owner
  })

/** A connection as the owner of the tables, who sees all rows despite row security. */
export const ownerConnection = (place: DatabasePlace) =>
  Effect.gen(function* () {
    const url = place.migrationDatabaseUrl ?? place.databaseUrl
    const client = yield* connect(
      url === undefined ? yield* embeddedOwner(place) : { connectionString: Redacted.value(url) }
    )
    yield* showAll(client)
    return client
  })

export const showAll = (client: pg.ClientBase) =>
  Effect.tryPromise({
    try: () => client.query(`${settingsOf("*")}; set statement_timeout = 0`),
    catch: (cause) =>
      new BackupError({
        reason: "database",
        message: "Lost the connection to the database. Nothing has changed.",
        cause
      })
  })
