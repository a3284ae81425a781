import { SqlClient } from "@effect/sql/SqlClient"
import { AppName, ServiceName, StageName } from "@maxcloud/config-schema"
import { Effect, Layer, Schema } from "effect"
import { orUnavailable } from "../../base/database/sqlErrors.ts"
import { Usage } from "./Usage.ts"

const gib = 1024 ** 3

const Row = Schema.Struct({
  app: AppName,
  stage: StageName,
  service: ServiceName,
  instances: Schema.Int,
  running: Schema.Int,
  ms: Schema.NumberFromString,
  cpu: Schema.NumberFromString,
  memory: Schema.NumberFromString
})
const decodeRows = Schema.decodeUnknownSync(Schema.Array(Row))

/** `Usage` from the table `instances`, which `UsageRecorder` fills. Sums are exact, in whole milliseconds. */
export const layer = Layer.effect(
  Usage,
  Effect.gen(function* () {
    const sql = yield* SqlClient
    return {
      read: Effect.fn("Usage.read")(function* (organization, since, until) {
        const rows = decodeRows(
          yield* sql`
            select app, stage, service, count(*)::int as instances,
              (count(*) filter (where ended_at is null))::int as running,
              sum(ms)::text as ms, sum(ms * cpu_milli)::text as cpu, sum(ms::numeric * memory_bytes)::text as memory
            from (
              select app, stage, service, ended_at, cpu_milli, memory_bytes, greatest(0, round(extract(epoch from
                least(coalesce(ended_at, now()), ${until}::timestamptz) - greatest(started_at, ${since}::timestamptz)
              ) * 1000)::bigint) as ms
              from instances
              where organization_id = ${organization.id} and started_at < ${until}
                and (ended_at is null or ended_at > ${since})
            ) lives
            group by app, stage, service order by app, stage, service`
        )
        return {
          since: since.toISOString(),
          until: until.toISOString(),
          services: rows.map(({ cpu, memory, ms, ...row }) => ({
            ...row,
            instanceSeconds: ms / 1000,
            cpuSeconds: cpu / 1_000_000,
            memoryGibSeconds: memory / gib / 1000
          }))
        }
      }, orUnavailable)
    }
  })
)
