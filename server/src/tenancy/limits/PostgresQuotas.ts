import { SqlClient } from "@effect/sql/SqlClient"
import type { AppSpec } from "@maxcloud/config-schema"
import { type OrganizationId, QuotaExceeded, type Quotas as QuotaValues } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import type { Target } from "../../base/words/Target.ts"
import { footprintOf, nearQuotas, overQuota } from "./overQuota.ts"
import { Quotas } from "./Quotas.ts"
import { deploymentsOf, ownQuotas, servicesOf, setQuotas } from "./quotaRows.ts"
import { recordNear } from "./recordQuotas.ts"
import { sourceBytesOf } from "./sourceBytes.ts"

const orElse = (own: QuotaValues, defaults: QuotaValues): QuotaValues => ({
  services: own.services ?? defaults.services,
  instances: own.instances ?? defaults.instances,
  cpuMilli: own.cpuMilli ?? defaults.cpuMilli,
  memoryBytes: own.memoryBytes ?? defaults.memoryBytes,
  deploymentsPerHour: own.deploymentsPerHour ?? defaults.deploymentsPerHour,
  sourceBytes: own.sourceBytes ?? defaults.sourceBytes,
  logBytes: own.logBytes ?? defaults.logBytes,
  streams: own.streams ?? defaults.streams
})

const use = (sql: SqlClient, dataDir: string, organizationId: OrganizationId) =>
  Effect.gen(function* () {
    const services = yield* servicesOf(sql, organizationId)
    return {
      ...footprintOf(services.map((service) => service.spec)),
      deploymentsPerHour: yield* deploymentsOf(sql, organizationId),
      sourceBytes: yield* Effect.promise(() => sourceBytesOf(dataDir, organizationId))
    }
  })

const check = (sql: SqlClient, quotas: QuotaValues, { app, organization, stage }: Target, spec: AppSpec) =>
  Effect.gen(function* () {
    const { cpuMilli, deploymentsPerHour, instances, memoryBytes, services: most } = quotas
    const sized = [cpuMilli, instances, memoryBytes, most].some((value) => value !== null)
    if (deploymentsPerHour === null && !sized) return
    const services = yield* servicesOf(sql, organization.id, app, stage, sized ? "all" : "here")
    const here = services.filter((service) => service.here)
    const known = new Set(here.map((each) => each.name))
    const onlyRemoves = spec.services.length < here.length && spec.services.every((service) => known.has(service.name))
    // An organization that has used up the hour may still remove services.
    if (deploymentsPerHour !== null && !onlyRemoves && spec.services.length > 0) {
      const begun = yield* deploymentsOf(sql, organization.id)
      if (begun >= deploymentsPerHour) {
        return yield* new QuotaExceeded({
          detail: `Quota exceeded: the limit is ${deploymentsPerHour} deployments per hour, and the organization has made ${begun}. Wait a few minutes, or ask the server's operator to raise the quota.`
        })
      }
    }
    const others = footprintOf(services.filter((service) => !service.here).map((service) => service.spec))
    const before = footprintOf(here.map((each) => each.spec))
    const detail = overQuota(quotas, others, before, footprintOf(spec.services))
    if (detail !== undefined) return yield* new QuotaExceeded({ detail })
    yield* recordNear(organization.id, nearQuotas(quotas, others, before, footprintOf(spec.services)))
  })

/**
 * `Quotas` in the table `organization_quotas`, or else `defaults`. Counts everything accepted or still running, and for
 * source snapshots the content of this server's data folder.
 */
export const layer = (defaults: QuotaValues, dataDir: string) =>
  Layer.effect(
    Quotas,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const own = (organizationId: OrganizationId) => ownQuotas(sql, organizationId)
      const of = (organizationId: OrganizationId) => Effect.map(own(organizationId), (found) => orElse(found, defaults))

      return {
        of,
        own,
        use: Effect.fn("Quotas.use")((organizationId) => use(sql, dataDir, organizationId)),
        check: Effect.fn("Quotas.check")((target, spec) =>
          Effect.flatMap(of(target.organization.id), (quotas) => check(sql, quotas, target, spec)).pipe(
            Effect.provideService(SqlClient, sql)
          )
        ),
        set: Effect.fn("Quotas.set")((organizationId, values) => setQuotas(sql, organizationId, values))
      }
    })
  )
