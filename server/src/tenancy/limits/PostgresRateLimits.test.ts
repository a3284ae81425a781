import { SqlClient } from "@effect/sql/SqlClient"
import { expect, it, layer } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Schedule } from "effect"
import { databaseTest, layerTest } from "../../../test/database/layerTest.ts"
import { takeFrom } from "../../../test/limits/bucketModel.ts"
import { startPostgres } from "../../../test/replicas/startPostgres.ts"
import { asNobody } from "../../base/database/RowScope.ts"
import { bucketOf, layer as rateLimits } from "./PostgresRateLimits.ts"
import { RateLimits } from "./RateLimits.ts"

const hourly = { name: "hourly", quota: 50, windowSeconds: 3600 }

const server = (postgres: Awaited<ReturnType<typeof startPostgres>>) =>
  Effect.map(
    Layer.build(
      Layer.fresh(
        rateLimits.pipe(
          Layer.provide(
            databaseTest({
              dataDir: "unused",
              url: Redacted.make(postgres.environment.DATABASE_URL),
              migrationUrl: Redacted.make(postgres.environment.MAXCLOUD_MIGRATION_DATABASE_URL)
            })
          )
        )
      )
    ),
    (context) => Context.get(context, RateLimits)
  )

layer(Layer.provideMerge(rateLimits, layerTest), { excludeTestServices: true })("rate limits", (it) => {
  it.effect("count each key and each limit separately, also in requests that see no rows", () =>
    Effect.gen(function* () {
      const { take } = yield* RateLimits
      const one = { name: "one", quota: 1, windowSeconds: 3600 }
      yield* asNobody(take(one, "a"))
      yield* take(one, "b")
      yield* take({ ...one, name: "other" }, "a")
      expect((yield* Effect.flip(take(one, "a")))._tag).toBe("TooManyRequests")
    })
  )

  it.effect("store no key in plain text", () =>
    Effect.gen(function* () {
      const { take } = yield* RateLimits
      yield* take(hourly, "ada@example.org")
      const sql = yield* SqlClient
      expect(JSON.stringify(yield* sql`select * from rate_limits`)).not.toContain("ada@")
    })
  )

  it.effect("refill as the arithmetic says", () =>
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
        expect(result._tag === "Right", `${tokens} ${agoSeconds} ${cost}`).toBe(expected.taken)
        if (result._tag === "Right") expect(result.right.remaining).toBe(Math.floor(expected.bucket.tokens))
        else if (result.left._tag === "TooManyRequests") {
          expect(Math.abs(result.left.retryAfterSeconds - expected.waitSeconds)).toBeLessThanOrEqual(1)
        }
      }
    })
  )

  it.effect("refill after the database's clock was set back by an hour", () =>
    Effect.gen(function* () {
      const { take } = yield* RateLimits
      const sql = yield* SqlClient
      const limit = { name: "setBack", quota: 1, windowSeconds: 1 }
      for (const cost of [1, 0]) {
        yield* sql`
          insert into rate_limits (bucket, tokens, updated_at)
          values (${bucketOf(limit, "k")}, 0, clock_timestamp() + interval '1 hour')
          on conflict (bucket) do update set tokens = excluded.tokens, updated_at = excluded.updated_at`
        expect((yield* Effect.flip(take(limit, "k", cost)))._tag).toBe("TooManyRequests")
        yield* take(limit, "k", cost).pipe(
          Effect.retry(Schedule.spaced("50 millis")),
          Effect.timeoutFail({ duration: "10 seconds", onTimeout: () => new Error("it doesn't refill") })
        )
      }
    })
  )

  it.effect("can be read without taking any", () =>
    Effect.gen(function* () {
      const { take } = yield* RateLimits
      const two = { name: "two", quota: 2, windowSeconds: 3600 }
      expect((yield* take(two, "k", 0)).remaining).toBe(2)
      yield* take(two, "k")
      yield* take(two, "k")
      expect((yield* Effect.flip(take(two, "k", 0)))._tag).toBe("TooManyRequests")
      expect((yield* Effect.flip(take(two, "new", 3)))._tag).toBe("TooManyRequests")
      expect((yield* take(two, "new")).remaining).toBe(1)
    })
  )
})

it.live("rate limits admit no more than the quota over two servers at once, and report an unreachable Postgres", () =>
  Effect.gen(function* () {
    const postgres = yield* Effect.acquireRelease(Effect.promise(startPostgres), (found) => Effect.promise(found.close))
    const [one, two] = [yield* server(postgres), yield* server(postgres)]
    const takes = Array.from({ length: 300 }, (_, nth) => (nth % 2 === 0 ? one : two))
    const results = yield* Effect.forEach(takes, (take) => Effect.either(take.take(hourly, "ada")), { concurrency: 40 })
    const left = results.flatMap((result) => (result._tag === "Right" ? [result.right.remaining] : []))
    expect(left.sort((a, b) => b - a)).toStrictEqual(Array.from({ length: 50 }, (_, nth) => 49 - nth))
    for (const result of results) {
      if (result._tag === "Right") continue
      expect(result.left._tag).toBe("TooManyRequests")
      expect(result.left.retryAfterSeconds).toBeGreaterThanOrEqual(1)
      expect(result.left.retryAfterSeconds).toBeLessThanOrEqual(72)
    }
    yield* Effect.promise(postgres.close)
    expect((yield* Effect.flip(one.take(hourly, "bob")))._tag).toBe("Unavailable")
  }).pipe(Effect.scoped)
)
