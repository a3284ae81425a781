import { Data, Deferred, Duration, Effect, Schedule, type Scope } from "effect"
import type pg from "pg"
import { within } from "../node/monotonic.ts"
import { DatabaseError } from "../postgres/DatabaseError.ts"
import { keepalives, watchedClient } from "./watchedClient.ts"

/**
 * How servers share the database: `sole` for one that runs services on its own machine, `shared` for the replicas of a
 * cluster.
 */
export type Sharing = "sole" | "shared"

/** Something that all servers of a database need, but that this one keeps in its own data folder. */
export interface OwnFile {
  /** What it is, such as `the logs of services`. */
  readonly what: string
  /** The setting that puts it where all servers reach it. */
  readonly setting: string
}

// The numbers after the migrations' lock.
const databaseLock = "0x6d6178636c6f76"
const filesLock = "0x6d6178636c6f77"

const locked = (message: string) => new DatabaseError({ reason: "locked", message })

const refused = (sharing: Sharing) =>
  locked(
    sharing === "sole"
      ? "Another max-cloud server uses this database (DATABASE_URL), and this one would run the same services a second time. Stop that server, or give this one a database of its own. Several servers can only share a database if they deploy to one Kubernetes cluster."
      : "A max-cloud server that runs services on its own machine uses this database (DATABASE_URL). Stop that server, or give this one a database of its own."
  )

const listed = (texts: ReadonlyArray<string>) => texts.join(" and ")

const refusedFor = (ownFiles: ReadonlyArray<OwnFile>) =>
  locked(
    ownFiles.length > 0
      ? `Another max-cloud server uses this database (DATABASE_URL), but this one keeps ${listed(ownFiles.map(({ what }) => what))} in its own data folder, where the others can't read them. Set ${listed(ownFiles.map(({ setting }) => setting))} on every server, or stop the other server.`
      : "Another max-cloud server of this database (DATABASE_URL) keeps the logs of services or the master key in its own data folder, where this one can't read them. Give that server the same MAXCLOUD_LOGS (s3 or loki) and the same master key (such as MAXCLOUD_MASTER_KEY_FILE) as this one and restart it, or stop it."
  )

const tryLock = async (client: pg.Client, lock: string, isShared: boolean): Promise<boolean> => {
  const { rows } = await client.query<{ had: boolean }>(
    `select pg_try_advisory_lock${isShared ? "_shared" : ""}(${BigInt(lock)}) as had`
  )
  return rows[0]?.had === true
}

/** Takes the locks, or says why not. */
const takeLocks = async (client: pg.Client, { ownFiles = [], sharing }: LockOptions) => {
  const isShared = sharing === "shared"
  if (!(await tryLock(client, databaseLock, isShared))) return refused(sharing)
  // A sole server has the database to itself, and so its files.
  if (!isShared || (await tryLock(client, filesLock, ownFiles.length === 0))) return undefined
  return refusedFor(ownFiles)
}

/** The database is temporarily unreachable. */
class Away extends Data.TaggedError("Away") {}

/** Holds the lock until its connection is lost. */
const hold = (config: pg.ClientConfig, options: LockOptions, onHeld: Effect.Effect<unknown>) =>
  Effect.gen(function* () {
    const { client, gone } = yield* watchedClient(config, "maxcloud-lock")
    const refusal = yield* Effect.tryPromise({
      try: async () => {
        await client.connect()
        await client.query(keepalives)
        return await takeLocks(client, options)
      },
      catch: () => new Away()
    })
    if (refusal !== undefined) return yield* refusal
    yield* onHeld
    yield* gone
  }).pipe(Effect.scoped)

export interface LockOptions {
  readonly sharing: Sharing
  /** If there are any, this server can't share the database with others. @default none */
  readonly ownFiles?: ReadonlyArray<OwnFile> | undefined
  /** How long to wait for a server that's stopping, or whose machine is gone. @default 20 seconds */
  readonly patience?: Duration.DurationInput | undefined
}

const pause = Duration.millis(500)

/**
 * Holds the database for this server while the scope is open, with a session-level advisory lock (PostgreSQL, "Advisory
 * Locks"). The returned effect fails if another server took the database while this one couldn't reach it: then this one
 * must stop.
 */
export const serverLock = (
  config: pg.ClientConfig,
  options: LockOptions
): Effect.Effect<Effect.Effect<never, DatabaseError>, DatabaseError, Scope.Scope> =>
  Effect.gen(function* () {
    const { patience = "20 seconds" } = options
    const started = yield* Deferred.make<void, DatabaseError>()
    const lost = yield* Deferred.make<never, DatabaseError>()
    const wait = yield* Effect.once(
      Effect.logWarning(`Another server uses this database. Waiting up to ${Duration.format(patience)} for it to stop`)
    )
    yield* hold(config, options, Deferred.succeed(started, undefined)).pipe(
      Effect.tapErrorTag("DatabaseError", () => wait),
      Effect.catchTag("Away", () => Effect.void),
      Effect.retry(Schedule.spaced(pause).pipe(within(patience))),
      Effect.zipRight(Effect.sleep(pause)),
      Effect.forever,
      Effect.catchAll((error) => Effect.andThen(Deferred.fail(started, error), Deferred.fail(lost, error))),
      Effect.forkScoped
    )
    yield* Deferred.await(started)
    return Deferred.await(lost)
  })
