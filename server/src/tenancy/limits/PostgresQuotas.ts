import { SqlClient } from "@effect/sql/SqlClient"
import { ServiceName, ServiceSpec } from "@maxcloud/config-schema"
import { type OrganizationId, QuotaExceeded, type Quotas as QuotaValues } from "@maxcloud/sdk/api"
import { Effect, Layer, Schema } from "effect"
import { unlimited } from "./defaultQuotas.ts"
import { footprintOf, overQuota } from "./overQuota.ts"
import { Quotas } from "./Quotas.ts"
import { sourceBytesOf } from "./sourceBytes.ts"

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
/** Of all services of an organization only what counts is read: the rest is as much as it likes to deploy. */
const Sizes = ServiceSpec.from.pipe(Schema.pick("cpu", "memory", "scale"))
const decodeServices = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ name: ServiceName, here: Schema.Boolean, spec: Sizes }))
)
const decodeCount = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ count: Schema.Int })))

const only = (values: Partial<QuotaValues>) => ({
  services: values.services,
  instances: values.instances,
  cpu_milli: values.cpuMilli,
  memory_bytes: values.memoryBytes,
  deployments_per_hour: values.deploymentsPerHour,
  source_bytes: values.sourceBytes,
  log_bytes: values.logBytes,
  streams: values.streams
})

/**
 * `Quotas` in the table `organization_quotas`, with `defaults` where that says nothing. Counts what is accepted, and what still runs; of
 * source snapshots what is in this server's data folder.
 */
export const layer = (defaults: QuotaValues, dataDir: string) =>
  Layer.effect(
    Quotas,
    Effect.gen(function* () {
      const sql = yield* SqlClient

      const own = (organizationId: OrganizationId) =>
        sql`
          select services::text, instances::text, cpu_milli::text, memory_bytes::text, deployments_per_hour::text,
            source_bytes::text, log_bytes::text, streams::text
          from organization_quotas where organization_id = ${organizationId}`.pipe(
          Effect.map((rows): QuotaValues => {
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

      const of = (organizationId: OrganizationId) =>
        Effect.map(
          own(organizationId),
          (_): QuotaValues => ({
            services: _.services ?? defaults.services,
            instances: _.instances ?? defaults.instances,
            cpuMilli: _.cpuMilli ?? defaults.cpuMilli,
            memoryBytes: _.memoryBytes ?? defaults.memoryBytes,
            deploymentsPerHour: _.deploymentsPerHour ?? defaults.deploymentsPerHour,
            sourceBytes: _.sourceBytes ?? defaults.sourceBytes,
            logBytes: _.logBytes ?? defaults.logBytes,
            streams: _.streams ?? defaults.streams
          })
        )

      const servicesOf = (organizationId: OrganizationId, app = "", stage = "", which: "all" | "here" = "all") =>
        sql`
          select name, json_strip_nulls(json_build_object(
            'cpu', spec -> 'cpu', 'memory', spec -> 'memory', 'scale', spec -> 'scale')) as spec, app = ${app} and stage = ${stage} as here from services
          where organization_id = ${organizationId} and (${which === "all"} or (app = ${app} and stage = ${stage}))`.pipe(
          Effect.map(decodeServices)
        )

      const deploymentsOf = (organizationId: OrganizationId) =>
        sql`
          select count(*)::int as count from deployments
          where organization_id = ${organizationId} and created_at between now() - interval '1 hour' and now() + interval '1 minute'`.pipe(
          Effect.map((rows) => decodeCount(rows)[0]?.count ?? 0)
        )

      return {
        of,
        own,

        use: Effect.fn("Quotas.use")(function* (organizationId) {
          const services = yield* servicesOf(organizationId)
          return {
            ...footprintOf(services.map((_) => _.spec)),
            deploymentsPerHour: yield* deploymentsOf(organizationId),
            sourceBytes: yield* Effect.promise(() => sourceBytesOf(dataDir, organizationId))
          }
        }),

        check: Effect.fn("Quotas.check")(function* ({ app, organization, stage }, spec) {
          const quotas = yield* of(organization.id)
          const { cpuMilli, deploymentsPerHour, instances, memoryBytes, services: most } = quotas
          const sized = [cpuMilli, instances, memoryBytes, most].some((_) => _ !== null)
          if (deploymentsPerHour === null && !sized) return
          const services = yield* servicesOf(organization.id, app, stage, sized ? "all" : "here")
          const here = services.filter((_) => _.here)
          const known = new Set(here.map((_) => _.name))
          const onlyRemoves = spec.services.length < here.length && spec.services.every((_) => known.has(_.name))
          // Who has used up the hour may still take things away.
          if (deploymentsPerHour !== null && !onlyRemoves && spec.services.length > 0) {
            const begun = yield* deploymentsOf(organization.id)
            if (begun >= deploymentsPerHour) {
              return yield* new QuotaExceeded({
                detail: `The organization may begin ${deploymentsPerHour} deployments an hour, and has begun ${begun}. Wait some minutes, or ask who runs this server for more.`
              })
            }
          }
          const others = footprintOf(services.filter((_) => !_.here).map((_) => _.spec))
          const before = footprintOf(here.map((_) => _.spec))
          const detail = overQuota(quotas, others, before, footprintOf(spec.services))
          if (detail !== undefined) return yield* new QuotaExceeded({ detail })
        }),

        set: Effect.fn("Quotas.set")(function* (organizationId, values) {
          const given = Object.fromEntries(Object.entries(only(values)).filter(([, value]) => value !== undefined))
          yield* sql`
            insert into organization_quotas ${sql.insert({ organization_id: organizationId, ...given })}
            on conflict (organization_id) do update set ${sql.csv([
              sql`updated_at = now()`,
              ...Object.keys(given).map((column) => sql`${sql(column)} = excluded.${sql(column)}`)
            ])}`
        })
      }
    })
  )
