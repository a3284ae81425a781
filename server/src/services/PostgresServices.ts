import { SqlClient } from "@effect/sql/SqlClient"
import { NotFound, type Service, type ServiceId, Unavailable } from "@maxcloud/sdk/api"
import { Effect, Layer, Stream } from "effect"
import { orUnavailable } from "../database/sqlErrors.ts"
import { namespaceKeyOf } from "../deployments/inspectSpec.ts"
import type { Platform } from "../deployments/Platform.ts"
import type { Organization } from "../organizations/Organizations.ts"
import { Runtime, type RuntimeError, type ServiceKey } from "../runtime/Runtime.ts"
import { Services } from "./Services.ts"
import { selectServices } from "./serviceRows.ts"

const away = (error: RuntimeError) => new Unavailable({ detail: error.message, retryAfterSeconds: 2 })

export const layer = Layer.effect(
  Services,
  Effect.gen(function* () {
    const context = yield* Effect.context<SqlClient | Platform>()
    const sql = yield* SqlClient
    const runtime = yield* Runtime

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
      ...namespaceKeyOf({ organization, stage: service.stage }),
      service: service.name
    })

    return {
      get,

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

      logs: Effect.fn("Services.logs")(function* (organization, id, query) {
        const service = yield* get(organization, id)
        return Stream.mapError(runtime.logs({ ...query, key: keyOf(organization, service) }), away)
      })
    }
  })
)
