import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationId, ServiceId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { storableJson } from "../../base/database/storable.ts"
import { storeEach } from "../../base/database/storeEach.ts"
import type { Happening } from "../../runtimes/port/Happening.ts"
import { recordEventsOf } from "../../tenancy/events/recordEvents.ts"
import { eventOf } from "./eventOf.ts"
import type { Gathered } from "./gathering.ts"

const decodeNew = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ organization_id: OrganizationId, id: Schema.String, service: ServiceId }))
)

const rowOf = ({ id, key: { app, organizationId, service, stage } }: Happening) => ({
  organization_id: organizationId,
  id,
  app,
  stage,
  name: service
})

/** Those that no server has recorded, with their services' ids. Services of other installations have none. */
const newOnes = (happenings: ReadonlyArray<Happening>) =>
  Effect.map(
    Effect.flatMap(
      SqlClient,
      (sql) => sql`
        with known as (
          select h.organization_id, h.id, s.id as service
          from jsonb_to_recordset(${storableJson(
            happenings.map(rowOf)
          )}::jsonb) as h (organization_id text, id text, app text, stage text, name text)
          join services s on s.organization_id = h.organization_id and s.app = h.app and s.stage = h.stage and s.name = h.name
        ), added as (
          insert into told_happenings (organization_id, id)
          select organization_id, id from known order by organization_id, id
          on conflict do nothing returning organization_id, id
        )
        select k.organization_id, k.id, k.service from known k join added a using (organization_id, id)`
    ),
    (rows) => new Map(decodeNew(rows).map(({ id, organization_id, service }) => [`${organization_id} ${id}`, service]))
  )

const record = (groups: ReadonlyArray<Gathered<Happening>>) =>
  Effect.gen(function* () {
    const added = yield* newOnes(groups.flatMap(({ items }) => items))
    const events = groups.flatMap(({ items, more }) => {
      const [first, ...rest] = items.filter(({ id, key }) => added.has(`${key.organizationId} ${id}`))
      const service = first && added.get(`${first.key.organizationId} ${first.id}`)
      return first === undefined || service === undefined
        ? []
        : [[first.key.organizationId, eventOf(service, [first, ...rest], more)] as const]
    })
    yield* recordEventsOf(events)
  })

/** Records an event for each group, of what no server has recorded yet. */
export const recordHappenings = (groups: ReadonlyArray<Gathered<Happening>>) =>
  storeEach(groups, record, ({ group }) => `the events of ${group}`)
