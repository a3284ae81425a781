import { SqlClient } from "@effect/sql/SqlClient"
import { AppName, ServiceName, StageName } from "@maxcloud/config-schema"
import { OrganizationId, ServiceId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { storableJson } from "../../../base/database/storable.ts"
import { recordEventsOf } from "../../../tenancy/events/recordEvents.ts"
import type { Observed } from "./recordStatuses.ts"

/**
 * How long a service's health must last before the next change is reported. A later check of the service reports its state by
 * then.
 */
const steadySeconds = 30

/** undefined: neither, as for a service that starts or is paused. */
const healthOf = ({ state }: Observed["status"]): "ready" | "degraded" | undefined =>
  state === "ready" || state === "idle" || state === "waking" ? "ready" : state === "degraded" ? "degraded" : undefined

const decodeTold = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      organization_id: OrganizationId,
      id: ServiceId,
      name: ServiceName,
      app: AppName,
      stage: StageName,
      health: Schema.Literal("ready", "degraded"),
      was: Schema.NullOr(Schema.String)
    })
  )
)

/** Reports services becoming ready, degrading and recovering, in the transaction that locks their rows. */
export const recordHealth = (observed: ReadonlyArray<Observed>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const known = observed.flatMap(({ key, status }) => {
      const health = healthOf(status)
      return health === undefined
        ? []
        : [{ organization_id: key.organizationId, app: key.app, stage: key.stage, name: key.service, health }]
    })
    if (known.length === 0) return
    const told = decodeTold(
      yield* sql`
        update services s set told_health = o.health, told_at = clock_timestamp()
        from (
          select b.organization_id, b.id, k.health, b.told_health as was
          from jsonb_to_recordset(${storableJson(known)}::jsonb) as k (organization_id text, app text, stage text, name text, health text)
          join services b on b.organization_id = k.organization_id and b.app = k.app and b.stage = k.stage and b.name = k.name
          where b.told_health is distinct from k.health and (b.told_health is not null or k.health = 'ready')
            and (b.told_at is null
              or b.told_at not between clock_timestamp() - ${steadySeconds} * interval '1 second' and clock_timestamp())
        ) o
        where s.organization_id = o.organization_id and s.id = o.id
        returning s.organization_id, s.id, s.name, s.app, s.stage, o.health, o.was`
    )
    yield* recordEventsOf(
      told.map(({ app, health, id, name, organization_id, stage, was }) => [
        organization_id,
        {
          type: health === "degraded" ? "service.degraded" : was === null ? "service.ready" : "service.recovered",
          subject: `services/${id}`,
          data: { app, stage, service: id, name }
        }
      ])
    )
  })
