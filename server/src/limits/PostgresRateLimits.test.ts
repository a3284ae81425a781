import { SqlClient } from "@effect/sql/SqlClient"
import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { layerTest } from "../database/layerTest.ts"
import { asNobody } from "../database/RowScope.ts"
import { takeFrom } from "./bucket.ts"
import { bucketOf, layer as rateLimits } from "./PostgresRateLimits.ts"
import { RateLimits } from "./RateLimits.ts"

const hourly = { name: "hourly", quota: 50, windowSeconds: 3600 }

/** `RateLimits` of another server: with a pool of its own. */
const replica = Effect.gen(function* () {
  const { config } = yield* PgClient.PgClient
  const context = yield* Layer.build(Layer.fresh(rateLimits.pipe(Layer.provide(Layer.fresh(PgClient.layer(config))))))
  return Context.get(context, RateLimits)
})

layer(Layer.provideMerge(rateLimits, layerTest), { excludeTestServices: true })("rate limits", (it) => {
  it.effect("let no more pass than the quota, over two servers at once", () =>
    Effect.gen(function* () {
      const servers = [yield* replica, yield* replica]
      const takes = Array.from({ length: 300 }, (_, nth) => servers[nth % 2] ?? assert.fail())
      const results = yield* Effect.forEach(takes, (_) => Effect.either(_.take(hourly, "ada")), { concurrency: 40 })
      const passed = results.filter((_) => _._tag === "Right")
      assert.lengthOf(passed, 50)
      const left = passed.flatMap((_) => (_._tag === "Right" ? [_.right.remaining] : []))
      assert.strictEqual(Math.min(...left), 0)
      const refused = results.flatMap((_) => (_._tag === "Left" ? [_.left] : []))
      for (const error of refused) {
        assert.strictEqual(error._tag, "TooManyRequests")
        assert.isAtLeast(error.retryAfterSeconds, 1)
        assert.isAtMost(error.retryAfterSeconds, 72)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("count each key and each limit by itself, in requests that see no rows too", () =>
    Effect.gen(function* () {
      const { take } = yield* RateLimits
      const one = { name: "one", quota: 1, windowSeconds: 3600 }
      yield* asNobody(take(one, "a"))
      yield* take(one, "b")
      yield* take({ ...one, name: "other" }, "a")
      assert.strictEqual((yield* Effect.flip(take(one, "a")))._tag, "TooManyRequests")
    })
  )

  it.effect("keep no key as it is written", () =>
    Effect.gen(function* () {
      const { take } = yield* RateLimits
      yield* take(hourly, "ada@example.org")
      const sql = yield* SqlClient
      assert.notInclude(JSON.stringify(yield* sql`select * from rate_limits`), "ada@")
    })
  )

  it.effect("are filled as the arithmetic says", () =>
    Effect.gen(function* () {
      const { take } = yield* RateLimits
      const sql = yield* SqlClient
      for (const [tokens, agoSeconds, cost] of [
        [0, 30, 1],
        [0, 0.5, 1],
        [3.5, 0, 3],
        [3.5, 0, 4],
        [9, 3600, 10],
        [2, -60, 1]
      ] as const) {
        const limit = { name: "filled", quota: 10, windowSeconds: 100 }
        yield* sql`
          insert into rate_limits (bucket, tokens, updated_at)
          values (${bucketOf(limit, "k")}, ${tokens}, clock_timestamp() - ${agoSeconds}::float8 * interval '1 second')
          on conflict (bucket) do update set tokens = excluded.tokens, updated_at = excluded.updated_at`
        const expected = takeFrom(limit, { tokens, at: -agoSeconds * 1000 }, 0, cost)
        const result = yield* Effect.either(take(limit, "k", cost))
        assert.strictEqual(result._tag === "Right", expected.taken, `${tokens} ${agoSeconds} ${cost}`)
        if (result._tag === "Right") assert.strictEqual(result.right.remaining, Math.floor(expected.bucket.tokens))
        else if (result.left._tag === "TooManyRequests") {
          assert.approximately(result.left.retryAfterSeconds, expected.waitSeconds, 1)
        }
      }
    })
  )

  it.effect("can be looked at without taking", () =>
    Effect.gen(function* () {
      const { take } = yield* RateLimits
      const two = { name: "two", quota: 2, windowSeconds: 3600 }
      assert.strictEqual((yield* take(two, "k", 0)).remaining, 2)
      yield* take(two, "k")
      yield* take(two, "k")
      assert.strictEqual((yield* Effect.flip(take(two, "k", 0)))._tag, "TooManyRequests")
      assert.strictEqual((yield* Effect.flip(take(two, "new", 3)))._tag, "TooManyRequests")
      assert.strictEqual((yield* take(two, "new")).remaining, 1)
    })
  )
})
