import { SqlClient } from "@effect/sql/SqlClient"
import { NotFound, type Service, type ServiceId, Unavailable } from "@maxcloud/sdk/api"
import { Effect, Layer, Stream } from "effect"
import { Audit } from "../audit/Audit.ts"
import { contextWithoutRows } from "../database/RowScope.ts"
import { orUnavailable, transaction } from "../database/sqlErrors.ts"
import { namespaceKeyOf } from "../deployments/inspectSpec.ts"
import { Platform } from "../deployments/Platform.ts"
import { leaseMs } from "../deployments/Reconciler.ts"
import { makeWorkQueue } from "../deployments/WorkQueue.ts"
import { masterKeyUnavailable } from "../keys/masterKeyUnavailable.ts"
import type { Organization } from "../organizations/Organizations.ts"
import { Runtime, type RuntimeError, type ServiceKey } from "../runtime/Runtime.ts"
import { Services } from "./Services.ts"
import { selectServices } from "./serviceRows.ts"

const away = (error: RuntimeError) => new Unavailable({ detail: error.message, retryAfterSeconds: 2 })

export const layer = Layer.effect(
  Services,
  Effect.gen(function* () {
    const context = yield* contextWithoutRows<SqlClient | Platform>()
    const sql = yield* SqlClient
    const runtime = yield* Runtime
    const platform = yield* Platform
    const audit = yield* Audit
    const queue = yield* makeWorkQueue({ leaseMs })

    const get = Effect.fn("Services.get")(
      function* (organization: Organization, id: ServiceId) {
        const [found] = yield* selectServices(organization, sql`id = ${id}`)
        return found === undefined
          ? yield* new NotFound({ detail: `There is no service ${id}.`, resource: "service", name: id })
          : found
      },
      orUnavailable,
      Effect.provide(context)
    )

    const keyOf = (organization: Organization, service: Service): ServiceKey => ({
      ...namespaceKeyOf({ organization, stage: service.stage }, platform),
      service: service.name
    })

    /** The app's row is locked first, as a deployment's acceptance locks it. */
    const setPaused = (organization: Organization, { app, id, name, stage }: Service, paused: boolean) =>
      transaction(
        Effect.gen(function* () {
          yield* sql`
            select 1 from app_stages where organization_id = ${organization.id} and app = ${app} and stage = ${stage}
            for update`
          const changed = yield* sql`
            update services set paused = ${paused}, updated_at = now()
            where organization_id = ${organization.id} and id = ${id} and paused <> ${paused} returning 1`
          if (changed.length === 0) return
          yield* queue.add([{ organizationId: organization.id, app, stage }])
          yield* sql`select pg_notify('maxcloud', 'work')`
          yield* audit.append({
            action: paused ? "services.pause" : "services.resume",
            outcome: "succeeded",
            status: 200,
            subject: `service ${name} of ${app}/${stage}`,
            organizationId: organization.id
          })
        })
      ).pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable))

    const pausing = (name: string, paused: boolean) =>
      Effect.fn(name)(
        function* (organization: Organization, id: ServiceId) {
          yield* setPaused(organization, yield* get(organization, id), paused)
          return yield* get(organization, id)
        },
        orUnavailable,
        Effect.provide(context)
      )

    return {
      get,
      pause: pausing("Services.pause", true),
      resume: pausing("Services.resume", false),

      list: Effect.fn("Services.list")(
        (organization, { app, name, stage }) =>
          selectServices(
            organization,
            sql.and([
              sql`true`,
              ...(app === undefined ? [] : [sql`app = ${app}`]),
              ...(stage === undefined ? [] : [sql`stage = ${stage}`]),
              ...(name === undefined ? [] : [sql`name = ${name}`])
            ])
          ),
        orUnavailable,
        Effect.provide(context)
      ),

      revisions: Effect.fn("Services.revisions")(function* (organization, id) {
        const service = yield* get(organization, id)
        return yield* Effect.mapError(runtime.revisions(keyOf(organization, service)), away)
      }),

      isLogCursor: runtime.isLogCursor,

      logs: Effect.fn("Services.logs")(function* (organization, id, query) {
        const service = yield* get(organization, id)
        return Stream.mapError(runtime.logs({ ...query, key: keyOf(organization, service) }), away)
      })
    }
  })
)
