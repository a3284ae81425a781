import { Effect } from "effect"
import pg from "pg"
import { errorText } from "../host/systemFault.ts"
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
          message: `Couldn't reach the database: ${errorText(cause, "the database").replace(/\.$/, "")}. Check DATABASE_URL and that Postgres runs.`,
          cause
        })
    }),
    (client) => Effect.promise(() => client.end().catch(() => {}))
  )
