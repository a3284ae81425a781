import { Deferred, Effect, type Scope } from "effect"
import pg from "pg"
import { errorCode } from "../node/errorCode.ts"
import { keepDoing } from "../node/keepDoing.ts"
import { connect } from "./connect.ts"
import { DatabaseError, explain } from "./DatabaseError.ts"
import { withWayBack } from "./damage.ts"
import { makeEmbeddedPostgres } from "./EmbeddedPostgres.ts"
import { folderLock } from "./folderLock.ts"
import { ownerRole } from "./initialise.ts"

/** The server's role in the embedded database, and the database's name. */
export const serverRole = "maxcloud"

/** How the owner of the tables and the server's role reach the embedded database. */
export interface EmbeddedConnections {
  readonly owner: pg.ClientConfig
  readonly server: pg.ClientConfig
  /** Fails once the data folder is gone: this server must stop then. */
  readonly lost: Effect.Effect<never, DatabaseError>
}

const folderGone = (dataDir: string) =>
  new DatabaseError({
    reason: "failed",
    message: `The data folder ${dataDir} was removed or replaced while the server used it, so the server is stopping. Put the folder back and start again, restore a backup with \`maxcloud server restore\`, or start again to begin with an empty one.`
  })

/**
 * Claims the data folder, starts its Postgres, keeps it running, and stops it at the end of the scope. An error about
 * damaged files includes the way to recover. `backupFolder`: where its backups are, if not in the data folder.
 */
export const startEmbedded = (
  dataDir: string,
  backupFolder?: string
): Effect.Effect<EmbeddedConnections, DatabaseError, Scope.Scope> =>
  Effect.andThen(folderLock(dataDir), startLocked(dataDir, backupFolder))

/** The same for a caller that has already claimed the folder. */
export const startLocked = (
  dataDir: string,
  backupFolder?: string
): Effect.Effect<EmbeddedConnections, DatabaseError, Scope.Scope> =>
  Effect.gen(function* () {
    const postgres = yield* Effect.tryPromise({
      try: () => makeEmbeddedPostgres(dataDir),
      catch: (error) => explain("Couldn't prepare the database", dataDir, error)
    })
    const start = Effect.tryPromise({
      try: postgres.start,
      catch: (error) => explain("Couldn't start the database", dataDir, error)
    }).pipe(Effect.uninterruptible)
    yield* Effect.acquireRelease(start, () => Effect.promise(postgres.stop))
    let told = ""
    const tellOnce = (message: string) =>
      Effect.suspend(() => {
        if (message === told) return Effect.void
        told = message
        return Effect.logError(message)
      })
    const lost = yield* Deferred.make<never, DatabaseError>()
    const look = Effect.try({
      try: postgres.look,
      catch: (error) => explain("Couldn't watch the database", dataDir, error)
    })
    const tend = Effect.flatMap(look, (state) => {
      switch (state) {
        case "runs":
          return Effect.sync(() => {
            told = ""
          })
        case "gone":
          return Effect.asVoid(Deferred.fail(lost, folderGone(dataDir)))
        case "deaf":
          return Effect.andThen(
            tellOnce("Somebody removed the embedded database's socket, lock file or programs. Restarting it."),
            start
          )
        case "ended":
          return Effect.andThen(tellOnce("The embedded database has stopped. Restarting it."), start)
      }
    }).pipe(Effect.catchAll((error) => tellOnce(error.message)))
    yield* keepDoing("watch over the embedded database", "500 millis", tend)
    const connection = (user: string, database: string) => ({
      host: postgres.socketFolder,
      port: 5432,
      user,
      database,
      password: postgres.password
    })
    const setUp = Effect.gen(function* () {
      const client = yield* connect(connection(ownerRole, "postgres"))
      yield* Effect.tryPromise({
        try: async () => {
          const { rows } = await client.query("select 1 from pg_database where datname = $1", [serverRole])
          if (rows.length > 0) return
          await client.query(
            `do $$ begin create role ${serverRole} login; exception when duplicate_object then null; end $$`
          )
          await client.query(`alter role ${serverRole} password ${pg.escapeLiteral(postgres.password)}`)
          await client.query(`create database ${serverRole} owner ${ownerRole}`)
        },
        catch: (error) => explain("Couldn't prepare the database", dataDir, error)
      })
    }).pipe(Effect.scoped)
    const owner = connection(ownerRole, serverRole)
    yield* connect(owner).pipe(
      Effect.asVoid,
      Effect.catchIf(
        (error) => errorCode(error.cause) === "3D000",
        () => setUp
      ),
      Effect.scoped
    )
    return { owner, server: connection(serverRole, serverRole), lost: Deferred.await(lost) }
  }).pipe(Effect.mapError(withWayBack(dataDir, backupFolder)))
