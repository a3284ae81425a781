import type { SqlClient } from "@effect/sql/SqlClient"
import { Forbidden } from "@maxcloud/sdk/api"
import { Effect, type Redacted } from "effect"
import { insertOneTime, useOneTime } from "./oneTimeTokens.ts"

const bootstrapSeconds = 86_400

const bootstrapGone = () =>
  new Forbidden({
    detail:
      "The first start's link works once, for a day, and only the newest is valid. Restart the server to get another, as long as nobody has registered."
  })

const hasUsers = (sql: SqlClient) => Effect.map(sql`select 1 from users limit 1`, (found) => found.length > 0)

/** Inside a transaction: the newest link of a server without accounts; undefined: there are accounts. */
export const newBootstrapToken = (sql: SqlClient) =>
  Effect.gen(function* () {
    // Two servers that start at once share one newest link.
    yield* sql`lock table one_time_tokens in share row exclusive mode`
    if (yield* hasUsers(sql)) return undefined
    yield* sql`delete from one_time_tokens where purpose = 'bootstrap'`
    return yield* insertOneTime(sql, "bootstrap", undefined, bootstrapSeconds)
  })

/** Only the first person can use the link, even if two try at once or somebody registered in between. */
export const takeBootstrap = (sql: SqlClient, token: Redacted.Redacted) =>
  Effect.gen(function* () {
    const row = yield* useOneTime(sql, "bootstrap", token)
    if (row === undefined || (yield* hasUsers(sql))) return yield* bootstrapGone()
  })
