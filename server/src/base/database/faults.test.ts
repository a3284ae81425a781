import { readFileSync } from "node:fs"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import pg from "pg"

import { databaseTest, madeDataDir } from "../../../test/database/layerTest.ts"
import { orUnavailable, transaction } from "./sqlErrors.ts"

describe("a database that temporarily takes no work", () => {
  it.scopedLive("is reported as such, and is used again when it recovers", () =>
    Effect.gen(function* () {
      const dataDir = yield* madeDataDir
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient
        const owner = new pg.Client({
          host: join(dataDir, "postgres"),
          user: "maxcloud_owner",
          database: "maxcloud",
          password: readFileSync(join(dataDir, "postgres.password"), "utf8").trim()
        })
        yield* Effect.acquireRelease(
          Effect.promise(() => owner.connect()),
          () => Effect.promise(() => owner.end())
        )
        const change = (text: string) =>
          Effect.promise(() =>
            owner.query(
              `${text}; select pg_terminate_backend(pid) from pg_stat_activity where usename = 'maxcloud' and application_name = 'maxcloud'`
            )
          )
        let written = 0
        const write = orUnavailable(
          Effect.suspend(() => sql`insert into organizations (id, name) values (${`o${++written}`}, ${`o${written}`})`)
        )
        yield* write
        for (const [begin, end] of [
          ["alter role maxcloud set default_transaction_read_only = on", "alter role maxcloud reset all"],
          ["alter role maxcloud connection limit 0", "alter role maxcloud connection limit -1"]
        ] as const) {
          yield* change(begin)
          for (const attempt of [write, orUnavailable(transaction(write))]) {
            const error = yield* Effect.flip(attempt)
            expect(error).toMatchObject({ _tag: "Unavailable", retryAfterSeconds: 1 })
          }
          yield* Effect.promise(() => owner.query(end))
          // No earlier connection is left.
          yield* write
        }
      }).pipe(Effect.scoped, Effect.provide(databaseTest({ dataDir, connections: 2 })))
    })
  )
})
