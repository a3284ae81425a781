import { SqlClient } from "@effect/sql/SqlClient"
import type { Fragment } from "@effect/sql/Statement"
import { ServiceSpec } from "@maxcloud/config-schema"
import { type KeyScope, placeOfScope, Service, ServiceList, ServiceState, TrafficTarget } from "@maxcloud/sdk/api"
import { publicUrlOf } from "@maxcloud/synth"
import { Effect, Schema } from "effect"
import { selectPage } from "../../../base/database/paging.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import { StoredDiagnosis } from "../../../runtimes/diagnosis/storedDiagnosis.ts"
import { KnativeCondition, toCondition } from "../../../runtimes/port/conditions.ts"
import { Platform, tenantOf } from "../../../runtimes/port/Platform.ts"
import { suspendedNow } from "./suspendedNow.ts"

/** A service's last known status as stored, so that a list needs one statement. */
export const StoredStatus = Schema.Struct({
  state: ServiceState,
  conditions: Schema.Array(KnativeCondition),
  latestCreatedRevision: Schema.NullOr(Schema.String),
  latestReadyRevision: Schema.NullOr(Schema.String),
  traffic: Schema.Array(TrafficTarget),
  instances: Schema.Int,
  url: Schema.NullOr(Schema.String),
  // Rows from an earlier version have none.
  diagnosis: Schema.optionalWith(Schema.NullOr(StoredDiagnosis), { default: () => null })
})
export type StoredStatus = typeof StoredStatus.Type

const Row = Schema.Struct({
  id: Service.fields.id,
  app: Service.fields.app,
  stage: Service.fields.stage,
  spec: ServiceSpec,
  pinned_image: Schema.NullOr(Schema.String),
  deployment_number: Schema.Int,
  paused: Schema.Boolean,
  suspension: Schema.NullOr(Schema.Struct({ until: Schema.Date, reason: Schema.String })),
  status: Schema.NullOr(StoredStatus),
  created_at: Schema.DateFromSelf,
  updated_at: Schema.DateFromSelf
})
const decodeRows = Schema.decodeUnknownSync(Schema.Array(Row))

/** Before the runtime's first report. */
const unknownStatus = (since: string): StoredStatus => ({
  state: "pending",
  conditions: [
    {
      type: "Ready",
      status: "Unknown",
      reason: "Deploying",
      message: "Deploying",
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

/** The row is the first to know whether the service is paused: the runtime's status from before a resume is outdated. */
const stateOf = ({ paused }: typeof Row.Type, { state }: StoredStatus): ServiceState =>
  paused ? "paused" : state === "paused" ? "pending" : state

const digestOf = (image: string | undefined) =>
  (image === undefined ? undefined : /sha256:[a-f0-9]{64}$/.exec(image)?.[0]) ?? null

const encodeSpec = Schema.encodeSync(ServiceSpec)

/** From the row of a service's stage, read once. A subquery, so that the conditions on services need no alias. */
const suspensionOf = (sql: SqlClient) => sql`
  (select jsonb_build_object('until', a.suspended_until, 'reason', a.suspend_reason) from app_stages a
    where a.organization_id = services.organization_id and a.app = services.app and a.stage = services.stage
    and ${suspendedNow(sql, "a")}) as suspension`

const columnsOf = (sql: SqlClient) => sql`
  id, app, stage, spec, pinned_image, deployment_number, paused, status, created_at, updated_at,
  ${suspensionOf(sql)}`

/** For callers, a service that is being deleted no longer exists, though its instances are still ending. */
const ofOrganization = (sql: SqlClient, organization: Organization) =>
  sql`organization_id = ${organization.id} and not deleting`

/** The organization's services that match a condition. */
export const selectServices = (organization: Organization, condition: Fragment) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const read = readServices(organization, yield* Platform)
    return read(
      yield* sql`
        select ${columnsOf(sql)} from services
        where ${ofOrganization(sql, organization)} and ${condition} order by name, app, stage`
    )
  })

const sorts = {
  name: [
    ["name", "text"],
    ["app", "text"],
    ["stage", "text"],
    ["id", "text"]
  ],
  createdAt: [
    ["created_at", "time"],
    ["id", "text"]
  ],
  updatedAt: [
    ["updated_at", "time"],
    ["id", "text"]
  ]
} as const

/** The state that `stateOf` returns for a row. */
const stateColumn = (sql: SqlClient) => sql`
  case when paused then 'paused' when status ->> 'state' = 'paused' then 'pending'
    else coalesce(status ->> 'state', 'pending') end`

/** A filter for services. `scopes`: only those that one of them opens; undefined: any. */
export interface ServiceFilter extends Partial<Pick<Service, "app" | "stage" | "name">> {
  readonly state?: ServiceState
  readonly scopes?: ReadonlyArray<KeyScope> | undefined
}

const filtersOf = (sql: SqlClient, { app, name, scopes, stage, state }: Undefinable<ServiceFilter>) => [
  ...(app === undefined ? [] : [sql`app = ${app}`]),
  ...(stage === undefined ? [] : [sql`stage = ${stage}`]),
  ...(name === undefined ? [] : [sql`name = ${name}`]),
  ...(state === undefined ? [] : [sql`${stateColumn(sql)} = ${state}`]),
  ...(scopes === undefined
    ? []
    : [
        sql.or([
          sql`false`,
          ...scopes
            .map(placeOfScope)
            .map((place) =>
              place.stage === "*" ? sql`app = ${place.app}` : sql`(app = ${place.app} and stage = ${place.stage})`
            )
        ])
      ])
]

type Undefinable<T> = { readonly [K in keyof T]?: T[K] | undefined }

/** A page of an organization's services. */
export const pageOfServices = (
  organization: Organization,
  filter: Undefinable<ServiceFilter>,
  paging: ReturnType<typeof ServiceList.pagingOf>
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const read = readServices(organization, yield* Platform)
    return yield* selectPage(
      ServiceList,
      sorts,
      paging,
      ({ isAfter, key, order }) => sql`
        select ${columnsOf(sql)}, ${key} from services
        where ${sql.and([ofOrganization(sql, organization), isAfter, ...filtersOf(sql, filter)])} ${order}`,
      read
    )
  })

const readServices =
  (organization: Organization, platform: Platform["Type"]) =>
  (rows: unknown): ReadonlyArray<Service> =>
    decodeRows(rows).map((row): Service => {
      const { spec } = row
      const status = row.status ?? unknownStatus(row.updated_at.toISOString())
      const tenant = tenantOf(
        { organization: organization.name, organizationId: organization.id, app: row.app, stage: row.stage },
        platform
      )
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
          conditions: status.conditions.map(toCondition),
          // Known from the start, because it depends only on the name.
          url: spec.visibility === "internal" ? null : (status.url ?? publicUrlOf(spec.name, tenant)),
          digest: spec.image === undefined ? null : digestOf(row.pinned_image ?? spec.image)
        },
        deployment: row.deployment_number,
        suspension:
          row.suspension === null ? null : { until: row.suspension.until.toISOString(), reason: row.suspension.reason },
        createdAt: row.created_at.toISOString(),
        updatedAt: row.updated_at.toISOString()
      }
    })
