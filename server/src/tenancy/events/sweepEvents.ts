import { SqlClient } from "@effect/sql/SqlClient"
import { Effect } from "effect"

/** How long to keep events of the types that services cause without anybody's action. */
const frequentDays = 3
/** How many of these to keep of a service. */
const frequentKept = 1_000

/** Deletes events older than the retention. Their numbers aren't reused. */
export const sweepEvents = (days: number) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.asVoid(sql`delete from events where at < now() - ${days} * interval '1 day'`)
  )

/** Those that `sweepFrequent` deletes. The index `events_frequent` has them in the order of the window. */
export const frequentToDelete = Effect.map(
  SqlClient,
  (sql) => sql`
    select organization_id, id from (
      select organization_id, id, at,
        row_number() over (partition by organization_id, app, stage, service order by at desc, id desc) as place
      from events where frequent
    ) f
    where f.place > ${frequentKept} or f.at < now() - ${frequentDays} * interval '1 day'`
)

/** Deletes events of frequent types after days, and those beyond a number of each service. */
export const sweepFrequent = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`
    delete from events e using (${yield* frequentToDelete}) f
    where e.organization_id = f.organization_id and e.id = f.id`
})
