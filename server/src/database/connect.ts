import { Effect } from "effect"
import pg from "pg"
import { DatabaseError } from "./DatabaseError.ts"

/** A connection of its own in this scope. */
export const connect = (config: pg.ClientConfig) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const client = new pg.Client({ connectionTimeoutMillis: 5_000, ...config })
        client.on("error", () => {})
        await client.connect()
        return client
      },
      catch: (cause) =>
        new DatabaseError({
          reason: "unreachable",
          message: `The database cannot be reached: ${cause instanceof Error ? cause.message || String(cause) : String(cause)}. Check DATABASE_URL and that Postgres runs.`,
          cause
        })
    }),
    (client) => Effect.promise(() => client.end().catch(() => {}))
  )
