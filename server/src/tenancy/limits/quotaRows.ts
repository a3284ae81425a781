import type { SqlClient } from "@effect/sql/SqlClient"
import { ServiceName, ServiceSpec } from "@maxcloud/config-schema"
import type { OrganizationId, Quotas } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { unlimited } from "./defaultQuotas.ts"

const Amount = Schema.NullOr(Schema.NumberFromString)
const decodeQuotas = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      services: Amount,
      instances: Amount,
      cpu_milli: Amount,
      memory_bytes: Amount,
      deployments_per_hour: Amount,
      source_bytes: Amount,
      log_bytes: Amount,
      streams: Amount
    })
  )
)
/** Reads only the fields that count: the others may have any size. */
const Sizes = ServiceSpec.from.pipe(Schema.pick("cpu", "memory", "scale"))
const decodeServices = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ name: ServiceName, here: Schema.Boolean, spec: Sizes }))
)
const decodeCount = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ count: Schema.Int })))

/** The organization's own quotas; null: none. */
export const ownQuotas = (sql: SqlClient, organizationId: OrganizationId) =>
  sql`
    select services::text, instances::text, cpu_milli::text, memory_bytes::text, deployments_per_hour::text,
      source_bytes::text, log_bytes::text, streams::text
    from organization_quotas where organization_id = ${organizationId}`.pipe(
    Effect.map((rows): Quotas => {
      const [row] = decodeQuotas(rows)
      if (row === undefined) return unlimited
      return {
        services: row.services,
        instances: row.instances,
        cpuMilli: row.cpu_milli,
        memoryBytes: row.memory_bytes,
        deploymentsPerHour: row.deployments_per_hour,
        sourceBytes: row.source_bytes,
        logBytes: row.log_bytes,
        streams: row.streams
      }
    })
  )

/** An organization's deployed services. `here`: those of this app and stage. */
export const servicesOf = (
  sql: SqlClient,
  organizationId: OrganizationId,
  app = "",
  stage = "",
  which: "all" | "here" = "all"
) =>
  sql`
    select name, json_strip_nulls(json_build_object(
      'cpu', spec -> 'cpu', 'memory', spec -> 'memory', 'scale', spec -> 'scale')) as spec, app = ${app} and stage = ${stage} as here from services
    where organization_id = ${organizationId} and (${which === "all"} or (app = ${app} and stage = ${stage}))`.pipe(
    Effect.map(decodeServices)
  )

/** How many deployments began within an hour. */
export const deploymentsOf = (sql: SqlClient, organizationId: OrganizationId) =>
  sql`
    select count(*)::int as count from deployments
    where organization_id = ${organizationId} and created_at between now() - interval '1 hour' and now() + interval '1 minute'`.pipe(
    Effect.map((rows) => decodeCount(rows)[0]?.count ?? 0)
  )

const only = (values: Partial<Quotas>) => ({
  services: values.services,
  instances: values.instances,
  cpu_milli: values.cpuMilli,
  memory_bytes: values.memoryBytes,
  deployments_per_hour: values.deploymentsPerHour,
  source_bytes: values.sourceBytes,
  log_bytes: values.logBytes,
  streams: values.streams
})

export const setQuotas = (sql: SqlClient, organizationId: OrganizationId, values: Partial<Quotas>) => {
  const given = Object.fromEntries(Object.entries(only(values)).filter(([, value]) => value !== undefined))
  return Effect.asVoid(sql`
    insert into organization_quotas ${sql.insert({ organization_id: organizationId, ...given })}
    on conflict (organization_id) do update set ${sql.csv([
      sql`updated_at = now()`,
      ...Object.keys(given).map((column) => sql`${sql(column)} = excluded.${sql(column)}`)
    ])}`)
}
