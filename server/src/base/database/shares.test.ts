import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Deferred, Effect, Fiber } from "effect"
import { databaseTest, madeDataDir } from "../../../test/database/layerTest.ts"
import { newId } from "./newId.ts"
import { asOrganization } from "./RowScope.ts"
import { Shares } from "./Shares.ts"
import { transaction } from "./sqlErrors.ts"

const [acme, other] = [OrganizationId.make(newId("org")), OrganizationId.make(newId("org"))]

describe("the connections of the database", () => {
  it.scopedLive("can't all be held by the transactions of one organization", () =>
    Effect.gen(function* () {
      const dataDir = yield* madeDataDir
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient
        const done = yield* Deferred.make<void>()
        const begun = yield* Deferred.make<void>()
        let under = 0
        const held = yield* Effect.forkAll(
          Array.from({ length: 20 }, () =>
            transaction(
              sql`select 1`.pipe(
                Effect.tap(() => (++under === 2 ? Deferred.succeed(begun, undefined) : Effect.void)),
                Effect.zipRight(Deferred.await(done))
              )
            ).pipe(asOrganization(acme))
          )
        )
        yield* Deferred.await(begun)
        // Others go on at once, with transactions and single statements, and so do reads of the organization itself.
        yield* transaction(sql`select 1`).pipe(asOrganization(other))
        yield* asOrganization(acme)(sql`select 1`)
        yield* sql`select 1`
        expect(under).toBe(2)
        yield* Deferred.succeed(done, undefined)
        yield* Fiber.join(held)
        expect(under).toBe(20)
      }).pipe(Effect.scoped, Effect.provide(databaseTest({ dataDir, connections: 8 })))
    })
  )

  it.live("are handed out in turn, and all come back to the share", () =>
    Effect.gen(function* () {
      const shares = new Shares(1)
      const first = yield* Deferred.make<void>()
      const order: Array<number> = []
      const use = (n: number, until: Effect.Effect<void>) =>
        Effect.scoped(
          Effect.zipRight(
            shares.one("a"),
            Effect.zipRight(
              Effect.sync(() => order.push(n)),
              until
            )
          )
        )
      const fibers = [yield* Effect.fork(use(1, Deferred.await(first)))]
      yield* Effect.yieldNow()
      fibers.push(yield* Effect.fork(use(2, Effect.void)), yield* Effect.fork(use(3, Effect.void)))
      yield* Effect.scoped(shares.one("b"))
      yield* Deferred.succeed(first, undefined)
      yield* Fiber.joinAll(fibers)
      yield* use(4, Effect.void)
      expect(order).toStrictEqual([1, 2, 3, 4])
    })
  )
})
