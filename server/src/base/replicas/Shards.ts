import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { Context, Effect, Layer, PubSub, Queue, Schema, Stream } from "effect"
import { keepLease } from "../database/heldLease.ts"
import { isDue } from "../database/isDue.ts"
import { LeaseHolder } from "../database/LeaseHolder.ts"
import { Notifications } from "../database/Notifications.ts"
import { newId } from "../database/newId.ts"
import { asNobody } from "../database/RowScope.ts"
import { transaction } from "../database/sqlErrors.ts"
import { keepDoing } from "../node/keepDoing.ts"
import { monotonicMillis } from "../node/monotonic.ts"
import { shardCount, shardOf } from "./shardOf.ts"

/**
 * The organizations that this replica is responsible for. All replicas of a database share the shards evenly. A dead
 * replica loses its shards when its lease expires; one that stops releases them. Work that must not run twice has its
 * own lease (`WorkQueue`), because for a moment two replicas may believe that they own the same organization.
 */
export class Shards extends Context.Tag("@maxcloud/server/Shards")<
  Shards,
  {
    readonly owns: (organizationId: string) => boolean
    /** The owned shards, in order. */
    readonly owned: () => ReadonlyArray<number>
    /** Called when `owned` has changed. */
    readonly changes: Stream.Stream<void>
  }
>() {}

export interface ShardOptions {
  /** How long a silent replica keeps its shards. @default 6 seconds */
  readonly leaseMs?: number
  /** @default 2 seconds */
  readonly beatMs?: number
}

const decodeLive = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ live: Schema.Int })))
const decodeShards = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ shard: Schema.Int })))

/** One heartbeat: renews this replica's lease, releases shards above its share, and takes free ones up to it. */
const beat = (
  id: string,
  leaseMs: number,
  holder: string | null
): Effect.Effect<ReadonlyArray<number>, SqlError, SqlClient> =>
  transaction(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const until = sql`clock_timestamp() + ${leaseMs} * interval '1 millisecond'`
      yield* sql`
        insert into replicas (id, seen_at, lease_holder) values (${id}, clock_timestamp(), ${holder})
        on conflict (id) do update set seen_at = clock_timestamp(), lease_holder = ${holder}`
      // Far ahead: seen before the database's clock was set back. Live replicas renew it with their next heartbeat.
      yield* sql`
        delete from replicas
        where seen_at not between clock_timestamp() - ${leaseMs} * interval '1 millisecond'
          and clock_timestamp() + ${leaseMs} * interval '1 millisecond'`
      const live = decodeLive(yield* sql`select count(*)::int as live from replicas`)[0]?.live ?? 1
      const share = Math.ceil(shardCount / Math.max(1, live))
      yield* sql`
        update shards set lease_until = ${until}, lease_holder = ${holder}
        where replica = ${id} and lease_until > clock_timestamp()`
      yield* sql`
        update shards set replica = null, lease_until = '-infinity', lease_holder = null where shard in (
          select shard from shards where replica = ${id} order by shard offset ${share} for update skip locked)`
      yield* sql`
        update shards set replica = ${id}, lease_until = ${until}, lease_holder = ${holder}, token = token + 1 where shard in (
          select shard from shards where ${isDue(sql, sql`lease_until`, leaseMs)}
          order by shard
          limit greatest(0, ${share} - (select count(*) from shards where replica = ${id} and lease_until > clock_timestamp()))
          for update skip locked)`
      const mine = decodeShards(
        yield* sql`
          select shard from shards where replica = ${id} and lease_until > clock_timestamp() order by shard`
      )
      return mine.map((each) => each.shard)
    })
  )

/** Shares the shards for as long as the scope is open. Takes the first share before it returns. */
export const layer = ({ beatMs = 2_000, leaseMs = 6_000 }: ShardOptions = {}) =>
  Layer.scoped(
    Shards,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const holder = yield* LeaseHolder
      const freed = yield* Effect.flatMap(Notifications, ({ subscribe }) => subscribe)
      const id = newId("rep")
      const changed = yield* PubSub.sliding<void>(1)
      let mine: ReadonlyArray<number> = []
      let heldUntil = 0

      yield* sql`
        insert into shards (shard) select generate_series(0, ${shardCount - 1}) on conflict do nothing`
      const oneAtATime = yield* Effect.makeSemaphore(1)
      const look = Effect.gen(function* () {
        const begun = performance.now()
        const now = yield* beat(id, leaseMs, holder.current()?.id ?? null)
        heldUntil = begun + leaseMs
        if (now.join() === mine.join()) return
        mine = now
        yield* PubSub.publish(changed, undefined)
      }).pipe(oneAtATime.withPermits(1))
      yield* Effect.acquireRelease(look, () =>
        sql`update shards set replica = null, lease_until = '-infinity', lease_holder = null where replica = ${id}`.pipe(
          Effect.andThen(sql`delete from replicas where id = ${id}`),
          Effect.ignore
        )
      )
      const keep = Effect.gen(function* () {
        const since = yield* monotonicMillis
        const name = holder.current()
        yield* look
        yield* keepLease({
          name: "shards",
          leaseMs,
          since,
          everyMs: beatMs,
          holder: name,
          // Under the present name: a new one begins a new lease.
          renew: Effect.as(look, true)
        })
        mine = []
        yield* PubSub.publish(changed, undefined)
      })
      yield* keepDoing("shards of this replica", { every: 0, longestPause: beatMs }, keep)
      const taken = Queue.take(freed).pipe(Effect.repeat({ until: (word) => word === "shards" }), Effect.zipRight(look))
      yield* keepDoing("shards that dead replicas had", 0, taken)

      // Even if this process was frozen, and its renewals with it.
      const owned = () => (performance.now() < heldUntil ? mine : [])
      return Shards.of({
        owned,
        owns: (organizationId) => owned().includes(shardOf(organizationId)),
        changes: Stream.fromPubSub(changed)
      })
      // Shards and replicas belong to no organization.
    }).pipe(asNobody)
  )

const all = Array.from({ length: shardCount }, (_, shard) => shard)

/** Owns every organization, for a single server. */
export const layerAll = Layer.succeed(Shards, { owns: () => true, owned: () => all, changes: Stream.empty })
