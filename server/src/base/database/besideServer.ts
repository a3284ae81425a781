import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Layer } from "effect"
import { explain } from "../postgres/DatabaseError.ts"
import { makeEmbeddedPostgres } from "../postgres/EmbeddedPostgres.ts"
import { makeSqlClient } from "./makeSqlClient.ts"
import { makePool } from "./PgPool.ts"

/** The embedded database of a running server's data folder, for work beside that server. */
export const layer = (dataDir: string) =>
  Layer.scoped(
    SqlClient,
    Effect.gen(function* () {
      const { password, socketFolder } = yield* Effect.tryPromise({
        try: () => makeEmbeddedPostgres(dataDir),
        catch: (error) => explain("The database cannot be reached", dataDir, error)
      })
      const config = { host: socketFolder, port: 5432, user: "maxcloud", database: "maxcloud", password }
      return yield* makeSqlClient(yield* makePool(config, { connections: 2 }), [])
    })
  )
