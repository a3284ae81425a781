import { ServiceSpec, servicesNamedBy } from "@maxcloud/config-schema"
import { Effect, Schema } from "effect"
import type { Lease } from "../queue/WorkQueue.ts"
import type { StageRows } from "../stages/StageRows.ts"
import type { Begun } from "../stages/stageBase.ts"

const Calling = ServiceSpec.from.pipe(Schema.pick("name", "links", "env"))
const decodeSpecs = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ spec: Schema.parseJson(Calling) })))

/**
 * The services that earlier revisions may call, by caller: from the specs since the caller was last ready. A caller without a
 * ready revision serves nothing.
 */
export const earlierCalls = ({ sql }: StageRows, lease: Lease, { id, number }: Begun) =>
  Effect.gen(function* () {
    const { organizationId } = lease.key
    const earlier = sql`
      d.organization_id = ${organizationId} and d.app = ${lease.key.app} and d.stage = ${lease.key.stage}
      and d.number < ${number}`
    const rows = yield* sql`
      with served as (
        select p.name, (
          select max(d.number) from deployment_services r
          join deployments d on d.organization_id = r.organization_id and d.id = r.deployment_id
          where ${earlier} and r.name = p.name and r.state = 'ready'
        ) as since
        from deployment_services p
        join services s on s.organization_id = p.organization_id and s.app = ${lease.key.app}
          and s.stage = ${lease.key.stage} and s.name = p.name
        where p.organization_id = ${organizationId} and p.deployment_id = ${id} and p.action <> 'create'
          and (s.status is null or s.status ->> 'latestReadyRevision' is not null)
      ), written as (
        select d.number, e.spec ->> 'name' as name, e.spec::text as spec
        from deployments d cross join lateral json_array_elements(d.spec -> 'services') as e (spec)
        where ${earlier} and d.number >= (select min(coalesce(since, 0)) from served)
      )
      select distinct w.spec from written w join served on served.name = w.name
      where w.number >= coalesce(served.since, 0)`
    const calls = new Map<string, Set<string>>()
    for (const { spec } of decodeSpecs(rows)) {
      const known = calls.get(spec.name) ?? new Set()
      for (const name of servicesNamedBy(spec)) known.add(name)
      calls.set(spec.name, known)
    }
    return calls
  })
