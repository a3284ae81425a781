import { SqlClient } from "@effect/sql/SqlClient"
import { Context, Effect, Layer, Redacted } from "effect"
import type pg from "pg"
import type { SystemFault } from "../host/systemFault.ts"
import { connect } from "../postgres/connect.ts"
import { DatabaseError, databaseWords } from "../postgres/DatabaseError.ts"
import { withWayBack } from "../postgres/damage.ts"
import { serverRole, startEmbedded } from "../postgres/startEmbedded.ts"
import { LeaseHolder, leaseHolder } from "./LeaseHolder.ts"
import { freeAll } from "./leasedTables.ts"
import { makeSqlClient } from "./makeSqlClient.ts"
import { migrate } from "./migrate.ts"
import * as Notifications from "./Notifications.ts"
import { makePool, type PoolLimits, troubleOf } from "./PgPool.ts"
import { asNobody, asServer } from "./RowScope.ts"
import { intoAnother, refuseBrokenOff, refuseRestoring, restoreAgain } from "./restoring.ts"
import { type LockOptions, serverLock } from "./serverLock.ts"

export { DatabaseError } from "../postgres/DatabaseError.ts"

export interface DatabaseOptions extends PoolLimits {
  /** Folder for the embedded Postgres (in `postgres/`), used without `url`. */
  readonly dataDir: string
  /** A Postgres to use instead, as the server's own role. */
  readonly url?: Redacted.Redacted | undefined
  /** The folder for backups of the embedded database. @default `backups` in the data folder */
  readonly backupFolder?: string | undefined
  /** The role that owns the tables and runs migrations. @default `url` */
  readonly migrationUrl?: Redacted.Redacted | undefined
  /** How to lock the database of `url`. The embedded one is locked by its folder. @default no lock */
  readonly lock?: LockOptions | undefined
}

/** The database behind `SqlClient`: migrated, and in use by this server. */
export class Database extends Context.Tag("@maxcloud/server/Database")<
  Database,
  {
    readonly embedded: boolean
    /** Fails if the database doesn't answer. */
    readonly ping: Effect.Effect<void, DatabaseError>
    /** Why the database currently refuses statements (a full disk, a read-only database), if somebody has to fix it. */
    readonly trouble: () => SystemFault | undefined
    /**
     * Fails if another server has taken the database, or the embedded database's folder is gone: this server must stop.
     */
    readonly lost: Effect.Effect<never, DatabaseError>
  }
>() {}

const migratedEmbedded = ({ backupFolder, dataDir }: DatabaseOptions) =>
  Effect.gen(function* () {
    yield* refuseBrokenOff(dataDir)
    const { lost, owner, server } = yield* startEmbedded(dataDir, backupFolder)
    yield* connect(owner).pipe(
      Effect.flatMap((client) =>
        Effect.andThen(refuseRestoring(client, restoreAgain(dataDir)), migrate(client, serverRole))
      ),
      Effect.scoped
    )
    return { config: server, lost }
  }).pipe(Effect.mapError(withWayBack(dataDir, backupFolder)))

const external = (url: Redacted.Redacted, migrationUrl: Redacted.Redacted) =>
  Effect.gen(function* () {
    const role = yield* connect({ connectionString: Redacted.value(url) }).pipe(
      Effect.map((client) => client.user ?? serverRole),
      Effect.scoped
    )
    const client = yield* connect({ connectionString: Redacted.value(migrationUrl) })
    yield* refuseRestoring(client, intoAnother)
    yield* migrate(client, role)
    const config: pg.ClientConfig = { connectionString: Redacted.value(url) }
    return { config, lost: Effect.never }
  }).pipe(Effect.scoped)

/** Frees all leases of the embedded database: whoever had them is dead, because only one server can use it. */
const freeLeases = Effect.flatMap(SqlClient, (sql) =>
  sql.withTransaction(Effect.forEach(freeAll, (statement) => sql.unsafe(statement), { discard: true }))
)

/** The embedded database has 30 connections. The owner and the listener need some of them. */
const within = (limits: PoolLimits): PoolLimits => ({ ...limits, connections: Math.min(limits.connections ?? 12, 24) })

/**
 * Row security doesn't apply to superusers and roles that bypass it, so a bug of ours could show another organization's
 * rows.
 */
const warnOfBypass = Effect.flatMap(
  SqlClient,
  (sql) => sql<{ role: string }>`
    select rolname as role from pg_roles where rolname = current_user and (rolsuper or rolbypassrls)`
).pipe(
  Effect.flatMap(([found]) =>
    found === undefined
      ? Effect.void
      : Effect.logWarning(
          `the database's role "${found.role}" bypasses row security, so the second barrier between organizations is off. Give DATABASE_URL a role that isn't a superuser and has no BYPASSRLS (create role maxcloud login nobypassrls), and MAXCLOUD_MIGRATION_DATABASE_URL the one that owns the tables`
        )
  )
)

/** The database of `url`, or else the embedded one of the data folder, which only one server at a time may use. */
export const layer = (
  options: DatabaseOptions
): Layer.Layer<Database | SqlClient | Notifications.Notifications, DatabaseError> =>
  Layer.unwrapScoped(
    Effect.gen(function* () {
      const isEmbedded = options.url === undefined
      const { config, lost: folderLost } =
        options.url === undefined
          ? yield* migratedEmbedded(options)
          : yield* external(options.url, options.migrationUrl ?? options.url)
      const lost = isEmbedded || options.lock === undefined ? folderLost : yield* serverLock(config, options.lock)
      const pool = yield* makePool(config, isEmbedded ? within(options) : options)
      const client = Layer.scoped(SqlClient, makeSqlClient(pool, []))
      const database = Layer.effect(
        Database,
        Effect.gen(function* () {
          const sql = yield* SqlClient
          yield* asNobody(warnOfBypass).pipe(
            Effect.andThen(isEmbedded ? asServer(freeLeases) : Effect.void),
            Effect.mapError((cause) => new DatabaseError({ reason: "failed", message: cause.message, cause }))
          )
          return {
            embedded: isEmbedded,
            lost,
            trouble: () => troubleOf(pool),
            ping: sql`select 1`.pipe(
              asNobody,
              Effect.asVoid,
              Effect.timeout("5 seconds"),
              Effect.mapError(
                (cause) => new DatabaseError({ reason: "unreachable", message: databaseWords(cause), cause })
              )
            )
          }
        })
      )
      const holder = isEmbedded ? Layer.empty : Layer.scoped(LeaseHolder, leaseHolder(config))
      return Layer.mergeAll(database, Notifications.layer(config), holder).pipe(Layer.provideMerge(client))
    })
  )
