import { createHash } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import type { Fragment } from "@effect/sql/Statement"
import { TooManyRequests } from "@maxcloud/sdk/api"
import { Effect, Layer, Schema } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { orUnavailable } from "../../base/database/sqlErrors.ts"
import { keepDoing } from "../../base/node/keepDoing.ts"
import { rateOf, stateOf, tolerance, waitOf } from "./bucket.ts"
import { type RateLimit, RateLimits } from "./RateLimits.ts"

/** Buckets unused for this long are full again: the longest window of any limit is shorter. */
const keptHours = 48

/**
 * A bucket used this far ahead was used before the database's clock was set back. Waiting for its row can't explain that
 * much.
 */
const steppedBack = "5 seconds"

const decodeTaken = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ tokens: Schema.Number })))

/** Names a bucket without revealing its owner: a key may be an address. */
export const bucketOf = ({ name }: RateLimit, key: string): string =>
  createHash("sha256")
    .update(JSON.stringify([name, key]))
    .digest("base64url")

const tooMany = (limit: RateLimit, tokens: number, cost: number) => {
  const retryAfterSeconds = waitOf(limit, tokens, cost)
  return new TooManyRequests({
    detail: `Too many requests: the limit is ${limit.quota} in ${limit.windowSeconds} seconds (limit "${limit.name}"). Retry in ${retryAfterSeconds} seconds.`,
    retryAfterSeconds,
    limit: { name: limit.name, quota: limit.quota, windowSeconds: limit.windowSeconds }
  })
}

/** `RateLimits` in the table `rate_limits`, by the database's clock. */
export const layer = Layer.scoped(
  RateLimits,
  Effect.gen(function* () {
    const sql = yield* SqlClient

    /** Tokens in a bucket now, in a statement where `b` is its row. */
    const filled = ({ quota, windowSeconds }: RateLimit, at: Fragment) =>
      sql`least(${quota}::float8, b.tokens + greatest(0, extract(epoch from ${at} - b.updated_at))::float8
        * ${rateOf({ name: "", quota, windowSeconds })}::float8)`

    const look = (limit: RateLimit, bucket: string) =>
      sql`select ${filled(limit, sql`clock_timestamp()`)} as tokens from rate_limits b where bucket = ${bucket}`.pipe(
        Effect.map((rows) => decodeTaken(rows)[0]?.tokens)
      )

    // A second request waits for the row, and sees the first one's tokens gone. A refused request changes nothing.
    const takeTokens = (limit: RateLimit, bucket: string, cost: number) =>
      sql`
        insert into rate_limits as b (bucket, tokens, updated_at)
        values (${bucket}, ${limit.quota - cost}::float8, clock_timestamp())
        on conflict (bucket) do update set
          tokens = greatest(0, ${filled(limit, sql`excluded.updated_at`)} - ${cost}::float8),
          updated_at = greatest(b.updated_at, excluded.updated_at)
        where ${filled(limit, sql`excluded.updated_at`)} >= ${cost - tolerance}::float8
        returning b.tokens`.pipe(Effect.map((rows) => decodeTaken(rows)[0]?.tokens))

    /** Restarts a bucket's refill from now if its last use is ahead of a clock that was set back. */
    const rebase = (bucket: string) =>
      sql`
        update rate_limits set updated_at = clock_timestamp()
        where bucket = ${bucket} and updated_at > clock_timestamp() + ${steppedBack}::interval`

    const tidy = sql`delete from rate_limits where updated_at < now() - ${keptHours} * interval '1 hour'`
    yield* keepDoing("deletion of old rate limits", "30 minutes", asServer(tidy))

    return {
      take: Effect.fn("RateLimits.take")(
        function* (limit: RateLimit, key: string, cost = 1) {
          const bucket = bucketOf(limit, key)
          if (cost === 0) {
            const left = (yield* look(limit, bucket)) ?? limit.quota
            if (left >= 1 - tolerance) return stateOf(limit, left)
            yield* rebase(bucket)
            return yield* tooMany(limit, left, 1)
          }
          const left = cost > limit.quota ? undefined : yield* takeTokens(limit, bucket, cost)
          if (left !== undefined) return stateOf(limit, left)
          yield* rebase(bucket)
          return yield* tooMany(limit, (yield* look(limit, bucket)) ?? limit.quota, cost)
        },
        orUnavailable,
        asServer
      )
    }
  })
)
