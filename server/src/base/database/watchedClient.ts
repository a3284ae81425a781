import { Deferred, Effect, Exit, type Scope } from "effect"
import pg from "pg"

/** Postgres then notices within about 15 seconds, instead of hours, that the client's machine is gone, and releases its locks. */
export const keepalives = "set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 2"

export interface WatchedClient {
  /** Not connected yet. */
  readonly client: pg.Client
  /** Returns when the connection has ended. */
  readonly gone: Effect.Effect<void>
}

/** A connection of its own for something that lasts only as long as it, such as an advisory lock. `ending`: how long to wait for its end. */
export const watchedClient = (
  config: pg.ClientConfig,
  name: string,
  ending: (end: Effect.Effect<void>) => Effect.Effect<unknown> = (end) => end
): Effect.Effect<WatchedClient, never, Scope.Scope> =>
  Effect.gen(function* () {
    const gone = yield* Deferred.make<void>()
    const onEnd = () => Deferred.unsafeDone(gone, Exit.void)
    const client = yield* Effect.acquireRelease(
      Effect.sync(() =>
        new pg.Client({ ...config, connectionTimeoutMillis: 5_000, keepAlive: true, application_name: name })
          .on("error", onEnd)
          .on("end", onEnd)
      ),
      (made) => ending(Effect.promise(() => made.end().catch(() => {})))
    )
    return { client, gone: Deferred.await(gone) }
  })
