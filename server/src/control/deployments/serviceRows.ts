import { SqlClient } from "@effect/sql/SqlClient"
import type { Fragment } from "@effect/sql/Statement"
import { ServiceSpec } from "@maxcloud/config-schema"
import { Condition, Diagnosis, Service, ServiceState, TrafficTarget } from "@maxcloud/sdk/api"
import { publicUrlOf } from "@maxcloud/synth"
import { Effect, Schema } from "effect"
import type { Organization } from "../../base/words/Organization.ts"
import { Platform, tenantOf } from "../../runtimes/port/Platform.ts"

/** A service's last known status as stored, so that a list is one statement. */
export const StoredStatus = Schema.Struct({
  state: ServiceState,
  conditions: Schema.Array(Condition),
  latestCreatedRevision: Schema.NullOr(Schema.String),
  latestReadyRevision: Schema.NullOr(Schema.String),
  traffic: Schema.Array(TrafficTarget),
  instances: Schema.Int,
  url: Schema.NullOr(Schema.String),
  // Rows from an earlier version have none.
  diagnosis: Schema.optionalWith(Schema.NullOr(Diagnosis), { default: () => null })
})
export type StoredStatus = typeof StoredStatus.Type

const Row = Schema.Struct({
  id: Service.fields.id,
  app: Service.fields.app,
  stage: Service.fields.stage,
  spec: ServiceSpec,
  pinned_image: Schema.NullOr(Schema.String),
  deployment_number: Schema.Int,
  deleting: Schema.Boolean,
  paused: Schema.Boolean,
  status: Schema.NullOr(StoredStatus),
  created_at: Schema.DateFromSelf,
  updated_at: Schema.DateFromSelf
})
const decodeRows = Schema.decodeUnknownSync(Schema.Array(Row))

/** Before a runtime has said anything. */
const unknownStatus = (since: string): StoredStatus => ({
  state: "pending",
  conditions: [
    {
      type: "Ready",
      status: "Unknown",
      reason: "Deploying",
      message: "It is being deployed.",
      lastTransitionTime: since
    }
  ],
  latestCreatedRevision: null,
  latestReadyRevision: null,
  traffic: [],
  instances: 0,
  url: null,
  diagnosis: null
})

/** The row knows first whether the service is paused: the runtime's status from before a resume is outdated. */
const stateOf = ({ deleting, paused }: typeof Row.Type, { state }: StoredStatus): ServiceState =>
  deleting ? "deleting" : paused ? "paused" : state === "paused" ? "pending" : state

const digestOf = (image: string | undefined) =>
  (image === undefined ? undefined : /sha256:[a-f0-9]{64}$/.exec(image)?.[0]) ?? null

const encodeSpec = Schema.encodeSync(ServiceSpec)

/** Services of an organization that a condition selects. */
export const selectServices = (organization: Organization, condition: Fragment) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const platform = yield* Platform
    const rows = decodeRows(
      yield* sql`
        select id, app, stage, spec, pinned_image, deployment_number, deleting, paused, status, created_at, updated_at from services
        where organization_id = ${organization.id} and ${condition} order by name, app, stage`
    )
    return rows.map((row): Service => {
      const { spec } = row
      const status = row.status ?? unknownStatus(row.updated_at.toISOString())
      const tenant = tenantOf({ organization: organization.name, app: row.app, stage: row.stage }, platform)
      return {
        id: row.id,
        name: spec.name,
        app: row.app,
        stage: row.stage,
        organization: organization.name,
        spec: encodeSpec(spec),
        status: {
          ...status,
          state: stateOf(row, status),
          // Known from the start: it follows from the name alone.
          url: spec.visibility === "internal" ? null : (status.url ?? publicUrlOf(spec.name, tenant)),
          digest: spec.image === undefined ? null : digestOf(row.pinned_image ?? spec.image)
        },
        deployment: row.deployment_number,
        createdAt: row.created_at.toISOString(),
        updatedAt: row.updated_at.toISOString()
      }
    })
  })
