import { existsSync } from "node:fs"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Layer, Redacted } from "effect"
import * as besideServer from "../../base/database/besideServer.ts"
import { makeSqlClient } from "../../base/database/makeSqlClient.ts"
import { makePool } from "../../base/database/PgPool.ts"
import { asNobody } from "../../base/database/RowScope.ts"
import { errorText } from "../../base/host/systemFault.ts"
import { DatabaseError, explain } from "../../base/postgres/DatabaseError.ts"
import { makeEmbeddedPostgres } from "../../base/postgres/EmbeddedPostgres.ts"
import { startEmbedded } from "../../base/postgres/startEmbedded.ts"
import type { ServerSettings } from "../../base/settings/ServerConfig.ts"

export type OperatorDatabase = Pick<ServerSettings, "dataDir" | "databaseUrl" | "statementTimeout"> &
  Partial<Pick<ServerSettings, "backupFolder">>

const limits = (statementTimeout: ServerSettings["statementTimeout"]) => ({ connections: 2, statementTimeout })

/** The data folder's database: that of a running server, or one that's started for as long as the scope is open. */
const embedded = ({ backupFolder, dataDir, statementTimeout }: OperatorDatabase) =>
  Effect.gen(function* () {
    if (!existsSync(join(dataDir, "postgres/data"))) {
      return yield* new DatabaseError({
        reason: "failed",
        message: `No database found in ${dataDir}. Name the data folder (--data-dir), or the database (DATABASE_URL).`
      })
    }
    const { isRunning } = yield* Effect.tryPromise({
      try: () => makeEmbeddedPostgres(dataDir),
      catch: (error) => explain("The database cannot be reached", dataDir, error)
    })
    if (isRunning()) return besideServer.layer(dataDir)
    const { server } = yield* startEmbedded(dataDir, backupFolder)
    return clientLayer(server, statementTimeout)
  })

const clientLayer = (config: Parameters<typeof makePool>[0], statementTimeout: ServerSettings["statementTimeout"]) =>
  Layer.scoped(
    SqlClient,
    Effect.flatMap(makePool(config, limits(statementTimeout)), (pool) => makeSqlClient(pool, []))
  )

/** Only servers create tables: an operator's command uses existing ones, or does nothing. */
const expectTables = Effect.gen(function* () {
  const sql = yield* SqlClient
  const [found] = yield* sql<{ known: boolean }>`
    select to_regclass('audit_entries') is not null as known`.pipe(
    Effect.mapError(
      ({ cause }) =>
        new DatabaseError({
          reason: "unreachable",
          message: `Couldn't reach the database: ${errorText(cause, "the database").replace(/\.$/, "")}. Check DATABASE_URL and that Postgres runs.`,
          cause
        })
    )
  )
  if (found?.known === true) return
  return yield* new DatabaseError({
    reason: "migration",
    message: "The database doesn't have the tables of this version of max-cloud. Start its server first."
  })
})

/** A server's database, as the server's own role, whether the server runs or not. Doesn't migrate it. */
export const layer = (settings: OperatorDatabase): Layer.Layer<SqlClient, DatabaseError> =>
  Layer.unwrapScoped(
    settings.databaseUrl === undefined
      ? embedded(settings)
      : Effect.succeed(
          clientLayer({ connectionString: Redacted.value(settings.databaseUrl) }, settings.statementTimeout)
        )
  ).pipe(Layer.tap((context) => Effect.provide(asNobody(expectTables), context)))
