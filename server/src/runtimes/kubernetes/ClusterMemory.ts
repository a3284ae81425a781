import { randomUUID } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import { Context, Effect, Layer, Option, Schema } from "effect"
import { asNobody } from "../../base/database/RowScope.ts"
import { keepDoing } from "../../base/node/keepDoing.ts"
import { ServerError } from "../../base/words/ServerError.ts"
import { KubeApi } from "../kubeApi/KubeApi.ts"
import { unseenBetween } from "./sightings.ts"

/** How often to store that the cluster is reachable. A restart of the server forgets at most this much time. */
const usualMillis = 5_000

/** A start of a service is younger than the oldest of them. */
const kept = 200

/** What former processes of the server, and other servers, knew about the cluster. */
export class ClusterMemory extends Context.Tag("@maxcloud/server/ClusterMemory")<
  ClusterMemory,
  {
    /**
     * `KubeApi.awaySince`, over restarts: for how many milliseconds since this time (epoch milliseconds) nobody saw the cluster.
     * Time in which no server ran counts as well, as for deadlines of deployments.
     */
    readonly awaySince: (epochMillis: number) => number
  }
>() {}

const decodeSightings = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ from: Schema.Number, to: Schema.Number, now: Schema.Number }))
)

const make = Effect.fn("ClusterMemory.make")(function* (everyMillis: number) {
  const sql = yield* SqlClient
  const api = yield* KubeApi
  const now = sql`clock_timestamp()`
  const rows = decodeSightings(
    yield* asNobody(sql`
      select (extract(epoch from began_at) * 1000)::float8 as "from", (extract(epoch from seen_at) * 1000)::float8 as "to",
        (extract(epoch from ${now}) * 1000)::float8 as now
      from cluster_sightings order by seen_at desc limit ${kept}`)
  )
  const startedAt = rows[0]?.now

  /** The row of the present stretch; undefined during an outage. */
  let current: string | undefined
  let away = 0
  const begin = Effect.gen(function* () {
    const id = randomUUID()
    yield* sql`insert into cluster_sightings (id, began_at, seen_at) values (${id}, ${now}, ${now})`
    yield* sql`
      delete from cluster_sightings
      where id not in (select id from cluster_sightings order by seen_at desc limit ${kept})`
    current = id
  })
  const see = Effect.gen(function* () {
    const unreachable = yield* api.unreachable
    const total = yield* api.awayMillis
    if (Option.isSome(unreachable)) {
      if (current === undefined) return
      // The last beat may be younger than the last answer.
      yield* sql`
        update cluster_sightings set seen_at = greatest(
          began_at, least(seen_at, ${now} - ${unreachable.value.millis} * interval '1 millisecond'))
        where id = ${current}`
      current = undefined
      return
    }
    // There was an outage since the last beat.
    const isNew = current === undefined || total !== away
    away = total
    if (isNew) return yield* begin
    const updated = yield* sql`update cluster_sightings set seen_at = ${now} where id = ${current} returning 1`
    if (updated.length === 0) yield* begin
  }).pipe(asNobody)
  yield* keepDoing("the memory of when the cluster was reachable", everyMillis, see)

  return ClusterMemory.of({
    awaySince: (since) =>
      startedAt === undefined || !(since < startedAt)
        ? api.awaySince(since)
        : api.awaySince(startedAt) + unseenBetween(rows, since, startedAt)
  })
})

export const layer = (everyMillis = usualMillis) =>
  Layer.scoped(
    ClusterMemory,
    Effect.mapError(
      make(everyMillis),
      (cause) =>
        new ServerError({
          reason: "database",
          message: `Couldn't read from the database when the cluster was reachable: ${cause.message}. Check that the database is reachable, and start again`,
          cause
        })
    )
  )

/** Without memory: only what this process has seen. */
export const layerNone = Layer.effect(
  ClusterMemory,
  Effect.map(KubeApi, ({ awaySince }) => ({ awaySince }))
)
