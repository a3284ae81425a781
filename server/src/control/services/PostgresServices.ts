import { SqlClient } from "@effect/sql/SqlClient"
import { Conflict, NotFound, RevisionList, type Service, type ServiceId, Unavailable } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, Stream } from "effect"
import { pageInMemory } from "../../base/database/paging.ts"
import { contextWithoutRows } from "../../base/database/RowScope.ts"
import { orUnavailable } from "../../base/database/sqlErrors.ts"
import type { Organization } from "../../base/words/Organization.ts"
import { toRevision } from "../../runtimes/port/conditions.ts"
import { namespaceKeyOf, Platform } from "../../runtimes/port/Platform.ts"
import { Runtime, type RuntimeError, type ServiceKey } from "../../runtimes/port/Runtime.ts"
import type { Audit } from "../../tenancy/audit/Audit.ts"
import { makeWorkQueue, type WorkQueue } from "../deployments/queue/WorkQueue.ts"
import { pageOfServices, selectServices } from "../deployments/records/serviceRows.ts"
import { setPaused } from "./pauseService.ts"
import { restartService } from "./restartService.ts"
import { Services } from "./Services.ts"
import { noService } from "./stageOfService.ts"
import { untilPaused } from "./untilPaused.ts"

type Runs = Runtime["Type"]

const away = (error: RuntimeError) => new Unavailable({ detail: error.message, retryAfterSeconds: 2 })

const find = (organization: Organization, id: ServiceId) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const [found] = yield* selectServices(organization, sql`id = ${id}`)
    return found === undefined ? yield* noService(id) : found
  })

/** Does somebody still want this pause or resume? */
const isToBe = (organization: Organization, id: ServiceId, paused: boolean) =>
  Effect.map(
    Effect.flatMap(
      SqlClient,
      (sql) => sql`
        select 1 from services
        where organization_id = ${organization.id} and id = ${id} and paused = ${paused} and not deleting`
    ),
    (rows) => rows.length > 0
  )

const pause = (
  queue: WorkQueue,
  runtime: Runs,
  keyOf: (organization: Organization, service: Service) => ServiceKey,
  organization: Organization,
  id: ServiceId,
  paused: boolean
) =>
  Effect.gen(function* () {
    const service = yield* find(organization, id)
    yield* setPaused(queue, organization, service, paused)
    yield* untilPaused(runtime, keyOf(organization, service), paused, isToBe(organization, id, paused))
    return yield* find(organization, id)
  })

const restart = (
  queue: WorkQueue,
  runtime: Runs,
  keyOf: (organization: Organization, service: Service) => ServiceKey,
  organization: Organization,
  id: ServiceId
) =>
  Effect.gen(function* () {
    const service = yield* find(organization, id)
    // Ask the runtime itself if possible: the recorded status may be a moment old.
    const status = yield* runtime
      .status(keyOf(organization, service))
      .pipe(Effect.catchTag("RuntimeError", () => Effect.succeedNone))
    const newest = Option.match(status, {
      onNone: () => service.status.latestCreatedRevision,
      onSome: (each) => each.latestCreatedRevision
    })
    const replaces = yield* restartService(queue, organization, service, newest)
    return { service: yield* find(organization, id), replaces }
  })

const exec = (runtime: Runs, service: Service, key: ServiceKey, request: Parameters<Runs["exec"]>[1]) =>
  Effect.gen(function* () {
    if (service.status.state === "paused") {
      return yield* new Conflict({
        detail: `The service "${service.name}" is paused, so nothing can run in it. Run \`maxcloud resume ${service.name}\` to start it.`
      })
    }
    return yield* runtime
      .exec(key, request)
      .pipe(
        Effect.mapError((error) => (error.reason === "refused" ? new Conflict({ detail: error.message }) : away(error)))
      )
  })

const openPort = (
  runtime: Runs,
  service: Service,
  key: ServiceKey,
  { instance, port }: { readonly port: number; readonly instance: string | undefined }
) =>
  Effect.gen(function* () {
    if (service.status.state === "paused") {
      return yield* new Conflict({
        detail: `The service "${service.name}" is paused, so it has no instance. Run \`maxcloud resume ${service.name}\` to start it.`
      })
    }
    const declaredPort = typeof service.spec.port === "number" ? service.spec.port : undefined
    return yield* runtime.connect(key, { port, instance, declaredPort }).pipe(
      Effect.mapError((error) => {
        if (error.missing === "instance") {
          return new NotFound({ resource: "instance", resourceName: instance ?? "", detail: error.message })
        }
        return error.reason === "refused" ? new Conflict({ detail: error.message }) : away(error)
      })
    )
  })

export const layer = Layer.effect(
  Services,
  Effect.gen(function* () {
    const context = yield* contextWithoutRows<SqlClient | Platform | Audit>()
    const runtime = yield* Runtime
    const platform = yield* Platform
    const queue = yield* makeWorkQueue()

    const keyOf = (organization: Organization, service: Service): ServiceKey => ({
      ...namespaceKeyOf({ organization, app: service.app, stage: service.stage }, platform),
      service: service.name
    })
    const get = Effect.fn("Services.get")(find, orUnavailable, Effect.provide(context))
    const pausing = (name: string, paused: boolean) =>
      Effect.fn(name)(
        (organization: Organization, id: ServiceId) => pause(queue, runtime, keyOf, organization, id, paused),
        orUnavailable,
        Effect.provide(context)
      )

    return {
      get,
      restart: Effect.fn("Services.restart")(
        (organization: Organization, id: ServiceId) => restart(queue, runtime, keyOf, organization, id),
        orUnavailable,
        Effect.provide(context)
      ),
      pause: pausing("Services.pause", true),
      resume: pausing("Services.resume", false),
      page: Effect.fn("Services.page")(pageOfServices, orUnavailable, Effect.provide(context)),

      exec: Effect.fn("Services.exec")(function* (organization, id, request) {
        const service = yield* get(organization, id)
        return yield* exec(runtime, service, keyOf(organization, service), request)
      }),

      openPort: Effect.fn("Services.openPort")(function* (organization, id, request) {
        const service = yield* get(organization, id)
        return yield* openPort(runtime, service, keyOf(organization, service), request)
      }),

      revisions: Effect.fn("Services.revisions")(function* (organization, id, paging) {
        const service = yield* get(organization, id)
        const found = yield* Effect.mapError(runtime.revisions(keyOf(organization, service)), away)
        const revisions = found.map(toRevision)
        return yield* pageInMemory(RevisionList, paging, revisions, ({ createdAt, name }) => [createdAt, name])
      }),

      isLogCursor: runtime.isLogCursor,

      logs: Effect.fn("Services.logs")(function* (organization, id, query) {
        const service = yield* get(organization, id)
        return Stream.mapError(runtime.logs({ ...query, key: keyOf(organization, service) }), away)
      })
    }
  })
)
