import { Context, Data, Deferred, type Duration, Effect, FiberId, Option, Schedule, type Scope } from "effect"
import type pg from "pg"
import { endWithin } from "../node/endWithin.ts"
import { keepDoing } from "../node/keepDoing.ts"
import { freeOneHolders } from "./leasedTables.ts"
import { newId } from "./newId.ts"
import { channel, leasedWords } from "./notifying.ts"
import { keepalives, watchedClient } from "./watchedClient.ts"

/** The name of a server in its leases. */
export interface HolderName {
  readonly id: string
  /** Returns when leases with this name may be freed by others, so that work under them has to stop. */
  readonly lost: Effect.Effect<void>
}

interface Holder {
  /** For new leases. Undefined: nobody could tell whether this server lives, so only time ends them. */
  readonly current: () => HolderName | undefined
}

/**
 * This server as the holder of leases. While it lives, it holds an advisory lock of its id (PostgreSQL, "Advisory Locks")
 * on a connection of its own. Whoever can take that lock knows that the holder is dead, and frees its leases.
 */
export class LeaseHolder extends Context.Reference<LeaseHolder>()("@maxcloud/server/LeaseHolder", {
  defaultValue: (): Holder => ({ current: () => undefined })
}) {}

/** The first number of the locks: "mxcl" in ASCII. The second one is the hash of an id. */
export const lockSpace = 0x6d78636c

/** How often to look for dead holders, which also shows that the own connection lives. */
const lookEvery = "1 second"
/** Without an answer for this long, the connection counts as lost. */
const silence = "3 seconds"
/** How long after taking a dead holder's lock its leases are freed. A holder that only lost its connection has stopped by then. */
const grace = "1500 millis"

/** They are much longer than `silence`, so that the holder notices first. Then the rows of all organizations. */
const session = `${keepalives};
  set search_path = public, pg_temp; set statement_timeout = 10000; set maxcloud.all_rows = on`

class SessionLost extends Data.TaggedError("SessionLost")<{ readonly cause?: unknown }> {}
/** Another session holds this holder's lock. */
class LockTaken extends Data.TaggedError("LockTaken") {}

interface Session {
  readonly query: <Row extends object>(
    text: string,
    values?: ReadonlyArray<unknown>
  ) => Effect.Effect<ReadonlyArray<Row>, SessionLost>
  /** Returns when the connection has ended. */
  readonly gone: Effect.Effect<void>
  /** The database's process for this session, as the connection was told. Not the real one if a pooler is in between. */
  readonly backend: number
}

const open = (config: pg.ClientConfig): Effect.Effect<Session, SessionLost, Scope.Scope> =>
  Effect.gen(function* () {
    const { client, gone } = yield* watchedClient(config, "maxcloud-lease", endWithin("200 millis"))
    yield* Effect.tryPromise({
      try: () => client.connect().then(() => client.query(session)),
      catch: (cause) => new SessionLost({ cause })
    })
    return {
      query: <Row extends object>(text: string, values: ReadonlyArray<unknown> = []) =>
        Effect.tryPromise({
          try: () => client.query<Row>(text, [...values]),
          catch: (cause) => new SessionLost({ cause })
        }).pipe(
          Effect.map(({ rows }) => rows),
          Effect.disconnect,
          Effect.timeoutFail({ duration: silence, onTimeout: () => new SessionLost({}) })
        ),
      gone,
      backend: "processID" in client && typeof client.processID === "number" ? client.processID : 0
    }
  })

const tryLock = ({ query }: Session, id: string) =>
  query<{ had: boolean }>("select pg_try_advisory_lock($1, hashtext($2)) as had", [lockSpace, id]).pipe(
    Effect.map(([row]) => row?.had === true)
  )

/** A session that holds the lock of `id`. None: a pooler is in between, so nothing would hold it. */
const lockedSession = (config: pg.ClientConfig, id: string) =>
  Effect.gen(function* () {
    const made = yield* open(config)
    const [row] = yield* made.query<{ own: boolean }>("select pg_backend_pid() = $1 as own", [made.backend])
    if (row?.own !== true) return Option.none<Session>()
    if (!(yield* tryLock(made, id))) return yield* new LockTaken()
    yield* made.query("insert into lease_holders (id) values ($1) on conflict do nothing", [id])
    return Option.some(made)
  })

/** Frees the leases of a dead holder, whose lock this session has. If the session ends meanwhile, nothing has changed. */
const free = ({ query }: Session, id: string) =>
  Effect.gen(function* () {
    yield* query("begin")
    for (const statement of freeOneHolders) yield* query(statement, [id])
    yield* query("delete from lease_holders where id = $1", [id])
    for (const word of leasedWords) yield* query("select pg_notify($1, $2)", [channel, word])
    yield* query("commit")
    yield* query("select pg_advisory_unlock($1, hashtext($2))", [lockSpace, id])
    yield* Effect.logWarning("Another server of this database has died. Its work goes on now.")
  })

const lookForDead = (made: Session, own: string) =>
  Effect.gen(function* () {
    const others = yield* made.query<{ id: string }>("select id from lease_holders where id <> $1", [own])
    const dead = yield* Effect.filter(others, ({ id }) => tryLock(made, id))
    if (dead.length === 0) return
    yield* Effect.sleep(grace)
    yield* Effect.forEach(dead, ({ id }) => free(made, id), { discard: true })
  })

/** Looks for dead holders until the session is lost. */
const tend = (made: Session, own: string) =>
  lookForDead(made, own).pipe(
    Effect.zipRight(Effect.sleep(lookEvery)),
    Effect.forever,
    Effect.catchAll(() => Effect.void),
    Effect.raceFirst(made.gone)
  )

const fresh = () => ({ id: newId("lh"), isHeld: false, lost: Deferred.unsafeMake<void>(FiberId.none) })

const poolerWords =
  "A pooler stands between this server and the database, so others can't tell at once when this server dies: its work in progress then waits until its leases expire (30 s). To avoid that, let DATABASE_URL connect directly."

/**
 * Holds the lock of an id while the scope is open, and frees the leases of holders that are dead. `reacquire`: how long it
 * tries to take its own lock again after its connection was lost, before it stops its work. Much less than `grace`.
 */
export const leaseHolder = (
  config: pg.ClientConfig,
  { reacquire = "800 millis" }: { readonly reacquire?: Duration.DurationInput } = {}
): Effect.Effect<Holder, never, Scope.Scope> =>
  Effect.gen(function* () {
    let now = fresh()
    let hadLock = false
    const started = yield* Deferred.make<void>()

    /** Holds the lock until its session is lost. `again`: it was lost just now. Returns whether this session had the lock. */
    const round = (again: boolean) =>
      Effect.gen(function* () {
        const held = now
        const taking = lockedSession(config, held.id)
        const found = yield* again
          ? taking.pipe(
              // Also if it's taken: the database's end of the lost session may need a moment to release it.
              Effect.retry(Schedule.spaced("50 millis")),
              Effect.disconnect,
              Effect.timeout(reacquire),
              Effect.option
            )
          : Effect.option(taking)
        if (Option.isNone(found)) return false
        if (Option.isNone(found.value)) {
          yield* Effect.logWarning(poolerWords)
          yield* Deferred.succeed(started, undefined)
          return yield* Effect.never
        }
        held.isHeld = true
        hadLock = true
        yield* Deferred.succeed(started, undefined)
        yield* Effect.addFinalizer(() =>
          Effect.sync(() => {
            held.isHeld = false
          })
        )
        const own = found.value.value
        yield* Effect.addFinalizer(() =>
          Effect.ignore(own.query("delete from lease_holders where id = $1", [held.id])).pipe(endWithin("200 millis"))
        )
        yield* tend(own, held.id)
        return true
      }).pipe(Effect.scoped)

    /** The work under the lost id stops. New leases get a new id, so that the old one's can be freed. */
    const stopWork = Effect.suspend(() => {
      const { lost } = now
      now = fresh()
      hadLock = false
      return Effect.andThen(
        Effect.logWarning(
          "Lost the connection that shows other servers that this one lives. Its work in progress stops here, so that another server can go on with it."
        ),
        Deferred.succeed(lost, undefined)
      )
    })
    const tryLater = Effect.suspend(() => {
      now = fresh()
      return Effect.sleep("500 millis")
    })

    const next = Effect.suspend(() => {
      const again = hadLock
      return Effect.flatMap(round(again), (had) => (had ? Effect.void : again ? stopWork : tryLater))
    })
    yield* keepDoing("lock that shows that this server lives", { every: 0, longestPause: reacquire }, next)
    yield* Effect.timeoutOption(Deferred.await(started), "5 seconds")

    return { current: () => (now.isHeld ? { id: now.id, lost: Deferred.await(now.lost) } : undefined) }
  })
