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

// The number after the migrations' lock.
const lock = "0x6d6178636c6f76"

const refused = (sharing: Sharing) =>
  new DatabaseError({
    reason: "locked",
    message:
      sharing === "sole"
        ? "Another max-cloud server uses this database (DATABASE_URL), and this one would run the same services a second time. Stop that server, or give this one a database of its own. Several servers can only share a database if they deploy to one Kubernetes cluster."
        : "A max-cloud server that runs services on its own machine uses this database (DATABASE_URL). Stop that server, or give this one a database of its own."
  })

const tryLock = async (client: pg.Client, sharing: Sharing): Promise<boolean> => {
  const { rows } = await client.query<{ had: boolean }>(
    `select pg_try_advisory_lock${sharing === "sole" ? "" : "_shared"}(${BigInt(lock)}) as had`
  )
  return rows[0]?.had === true
}

/** The database is temporarily unreachable. */
class Away extends Data.TaggedError("Away") {}

/** Holds the lock until its connection is lost. */
const hold = (config: pg.ClientConfig, sharing: Sharing, onHeld: Effect.Effect<unknown>) =>
  Effect.gen(function* () {
    const { client, gone } = yield* watchedClient(config, "maxcloud-lock")
    const had = yield* Effect.tryPromise({
      try: async () => {
        await client.connect()
        await client.query(keepalives)
        return await tryLock(client, sharing)
      },
      catch: () => new Away()
    })
    if (!had) return yield* refused(sharing)
    yield* onHeld
    yield* gone
  }).pipe(Effect.scoped)

export interface LockOptions {
  readonly sharing: Sharing
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
  { patience = "20 seconds", sharing }: LockOptions
): Effect.Effect<Effect.Effect<never, DatabaseError>, DatabaseError, Scope.Scope> =>
  Effect.gen(function* () {
    const started = yield* Deferred.make<void, DatabaseError>()
    const lost = yield* Deferred.make<never, DatabaseError>()
    const wait = yield* Effect.once(
      Effect.logWarning(`Another server uses this database. Waiting up to ${Duration.format(patience)} for it to stop`)
    )
    yield* hold(config, sharing, Deferred.succeed(started, undefined)).pipe(
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
