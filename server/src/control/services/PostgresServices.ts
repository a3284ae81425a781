import { SqlClient } from "@effect/sql/SqlClient"
import { Conflict, NotFound, type Service, type ServiceId, Unavailable } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, Stream } from "effect"
import { contextWithoutRows } from "../../base/database/RowScope.ts"
import { orUnavailable, transaction } from "../../base/database/sqlErrors.ts"
import { masterKeyUnavailable } from "../../base/keys/masterKeyUnavailable.ts"
import type { Organization } from "../../base/words/Organization.ts"
import { namespaceKeyOf, Platform } from "../../runtimes/port/Platform.ts"
import { Runtime, type RuntimeError, type ServiceKey } from "../../runtimes/port/Runtime.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { selectServices } from "../deployments/serviceRows.ts"
import { makeWorkQueue } from "../deployments/WorkQueue.ts"
import { leaseMs } from "../deployments/workers.ts"
import { Services } from "./Services.ts"

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

    const noService = (id: ServiceId) =>
      new NotFound({ detail: `There is no service ${id}.`, resource: "service", name: id })

    const get = Effect.fn("Services.get")(
      function* (organization: Organization, id: ServiceId) {
        const [found] = yield* selectServices(organization, sql`id = ${id}`)
        return found === undefined ? yield* noService(id) : found
      },
      orUnavailable,
      Effect.provide(context)
    )

    const keyOf = (organization: Organization, service: Service): ServiceKey => ({
      ...namespaceKeyOf({ organization, stage: service.stage }, platform),
      service: service.name
    })

    /** The app's row is locked first, as a deployment's acceptance locks it. */
    const lockStage = (organization: Organization, { app, stage }: Service) => sql`
      select 1 from app_stages where organization_id = ${organization.id} and app = ${app} and stage = ${stage}
      for update`

    const wakeStage = (organization: Organization, { app, stage }: Service) =>
      Effect.zipRight(
        queue.add([{ organizationId: organization.id, app, stage }]),
        sql`select pg_notify('maxcloud', 'work')`
      )

    const setPaused = (organization: Organization, service: Service, paused: boolean) =>
      transaction(
        Effect.gen(function* () {
          const { app, id, name, stage } = service
          yield* lockStage(organization, service)
          const changed = yield* sql`
            update services set paused = ${paused}, updated_at = now()
            where organization_id = ${organization.id} and id = ${id} and paused <> ${paused} returning 1`
          if (changed.length === 0) return
          yield* wakeStage(organization, service)
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

    /** Gives the newest revision before the restart. */
    const setRestarted = (
      organization: Organization,
      service: Service,
      newest: string | null,
      idempotencyKey: string | undefined
    ) =>
      transaction(
        Effect.gen(function* () {
          const { app, id, name, stage } = service
          const refuse = (why: string) =>
            new Conflict({ detail: `The service "${name}" ${why}, so it can't be restarted.` })
          yield* lockStage(organization, service)
          const [row] = yield* sql<{
            paused: boolean
            deleting: boolean
            restarted_from: string | null
            restart_key: string | null
          }>`
            select paused, deleting, restarted_from, restart_key from services
            where organization_id = ${organization.id} and id = ${id}`
          if (row === undefined) return yield* noService(id)
          if (row.deleting) return yield* refuse("is being deleted")
          if (row.paused) return yield* refuse(`is paused (\`maxcloud resume ${name}\` starts it)`)
          if (idempotencyKey !== undefined && row.restart_key === idempotencyKey) return row.restarted_from
          yield* sql`
            update services set restarted_at = clock_timestamp(), restarted_from = ${newest},
              restart_key = ${idempotencyKey ?? null}, updated_at = now()
            where organization_id = ${organization.id} and id = ${id}`
          yield* wakeStage(organization, service)
          yield* audit.append({
            action: "services.restart",
            outcome: "succeeded",
            status: 202,
            subject: `service ${name} of ${app}/${stage}`,
            organizationId: organization.id
          })
          return newest
        })
      ).pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable))

    return {
      get,
      restart: Effect.fn("Services.restart")(
        function* (organization: Organization, id: ServiceId, idempotencyKey: string | undefined) {
          const service = yield* get(organization, id)
          // Of the runtime itself, where it can be asked: what is recorded may be a moment old.
          const status = yield* runtime
            .status(keyOf(organization, service))
            .pipe(Effect.catchTag("RuntimeError", () => Effect.succeedNone))
          const newest = Option.match(status, {
            onNone: () => service.latestCreatedRevision,
            onSome: (_) => _.latestCreatedRevision
          })
          const replaces = yield* setRestarted(organization, service, newest, idempotencyKey)
          return { service: yield* get(organization, id), replaces }
        },
        orUnavailable,
        Effect.provide(context)
      ),
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

      exec: Effect.fn("Services.exec")(function* (organization, id, request) {
        const service = yield* get(organization, id)
        if (service.state === "paused" || service.state === "deleting") {
          return yield* new Conflict({
            detail: `The service "${service.name}" is ${service.state === "paused" ? `paused (\`maxcloud resume ${service.name}\` starts it)` : "being deleted"}, so nothing can run in it.`
          })
        }
        return yield* runtime
          .exec(keyOf(organization, service), request)
          .pipe(
            Effect.mapError((error) =>
              error.reason === "refused" ? new Conflict({ detail: error.message }) : away(error)
            )
          )
      }),

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
