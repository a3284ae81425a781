import { SqlClient } from "@effect/sql/SqlClient"
import { AppName, ServiceName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Option, Schema } from "effect"
import { transaction } from "../../base/database/sqlErrors.ts"
import { type NewEvent, recordEventsOf } from "../../tenancy/events/recordEvents.ts"

/** At most so many records of drift are reported at once. */
const atOnce = 500

const decodeRows = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      organization_id: OrganizationId,
      app: AppName,
      stage: StageName,
      objectKind: Schema.String,
      object: Schema.String,
      service: Schema.NullOr(Schema.String),
      change: Schema.Literal("edited", "deleted"),
      manager: Schema.NullOr(Schema.String),
      found: Schema.Int,
      healed: Schema.Int
    })
  )
)
const decodeService = Schema.decodeUnknownOption(ServiceName)
/** A manager's name comes from whoever wrote the object. */
const shortened = (text: string) => text.slice(0, 128)

const step = transaction(
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = decodeRows(
      yield* sql`
        with untold as (
          select organization_id, id, told_found as was_found, told_healed as was_healed from drift
          where not told_found or (healed_at is not null and not told_healed)
          order by id limit ${atOnce} for update skip locked
        ), told as (
          update drift d set told_found = true, told_healed = d.healed_at is not null
          from untold u where d.organization_id = u.organization_id and d.id = u.id
          returning d.*, u.was_found, u.was_healed,
            case when d.kind = 'Service' and d.api_version like 'serving.knative.dev/%' then d.name end as service
        )
        select distinct on (t.organization_id, t.app, t.stage, t.service) t.organization_id, t.app, t.stage,
          t.kind as "objectKind", t.name as object, t.service, t.change, t.manager,
          (count(*) filter (where not t.was_found) over w)::integer as found,
          (count(*) filter (where t.healed_at is not null and not t.was_healed) over w)::integer as healed
        from told t
        window w as (partition by t.organization_id, t.app, t.stage, t.service)
        order by t.organization_id, t.app, t.stage, t.service, t.id desc`
    )
    const eventsOf = (row: (typeof rows)[number]) => {
      const { app, change, found, healed, manager, object, objectKind, organization_id, service, stage } = row
      const subject = `apps/${app}/stages/${stage}/drift`
      const data = {
        app,
        stage,
        name: Option.getOrNull(decodeService(service)),
        objectKind: shortened(objectKind),
        object: shortened(object),
        change,
        manager: manager === null ? null : shortened(manager)
      }
      const events: ReadonlyArray<NewEvent> = [
        ...(found === 0 ? [] : [{ type: "drift.found" as const, subject, data: { ...data, count: found } }]),
        ...(healed === 0 ? [] : [{ type: "drift.healed" as const, subject, data: { ...data, count: healed } }])
      ]
      return events.map((event) => [organization_id, event] as const)
    }
    yield* recordEventsOf(rows.flatMap(eventsOf))
    return rows.reduce((sum, { found, healed }) => sum + Math.max(found, healed), 0) >= atOnce
  })
)

/**
 * Records events of drift that is stored and not yet told, one for each service, or for the app's other objects. The rows say what
 * was told, so a crash loses nothing, and no server tells it again.
 */
export const recordDrift = Effect.repeat(step, { while: (isMore) => isMore })
