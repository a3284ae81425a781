import { SqlClient } from "@effect/sql/SqlClient"
import { InvalidSpec, type Suspend, Unavailable } from "@maxcloud/sdk/api"
import { Effect, Layer, Schema } from "effect"
import { notifying } from "../../../base/database/notifying.ts"
import { contextWithoutRows } from "../../../base/database/RowScope.ts"
import { orUnavailable, transaction } from "../../../base/database/sqlErrors.ts"
import { masterKeyUnavailable } from "../../../base/keys/masterKeyUnavailable.ts"
import { whileCallerWaits } from "../../../base/node/callerWaits.ts"
import type { Target } from "../../../base/words/Target.ts"
import { Runtime } from "../../../runtimes/port/Runtime.ts"
import { currentAuthor } from "../../../tenancy/access/authors.ts"
import { Audit } from "../../../tenancy/audit/Audit.ts"
import { recordEvents } from "../../../tenancy/events/recordEvents.ts"
import type { WorkQueue } from "../queue/WorkQueue.ts"
import { noApp } from "../records/deploymentPages.ts"
import { suspendedNow } from "../records/suspendedNow.ts"
import { Suspensions } from "./Suspensions.ts"
import { endSuspension, readSuspension, suspensionEvent } from "./suspensionRows.ts"

const decodeEnds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ until: Schema.DateFromSelf })))
const decodeTokens = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ lease_token: Schema.String })))

const inStage = (sql: SqlClient, { app, organization, stage }: Target) =>
  sql`organization_id = ${organization.id} and app = ${app} and stage = ${stage}`

/** Fails unless the stage has a service or an unfinished deployment. */
const refuseUnknown = (target: Target, { lock = false } = {}) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const found = yield* sql`
      select 1 from app_stages a where ${inStage(sql, target)} and (
        exists (select 1 from services s where s.organization_id = a.organization_id and s.app = a.app
          and s.stage = a.stage and not s.deleting)
        or exists (select 1 from deployments d where d.organization_id = a.organization_id and d.app = a.app
          and d.stage = a.stage and d.finished_at is null)
      ) ${lock ? sql`for update` : sql``}`
    if (found.length === 0) return yield* noApp(target.app, target.stage)
  })

const auditOf = (action: "apps.suspend" | "apps.endSuspension", target: Target, more: string) =>
  ({
    action,
    outcome: "succeeded",
    status: action === "apps.suspend" ? 200 : 204,
    subject: `${target.app}/${target.stage}${more}`,
    organizationId: target.organization.id
  }) as const

/** The next pass schedules the one at the suspension's end. */
const wake = (queue: WorkQueue, { app, organization, stage }: Target) =>
  Effect.zipRight(
    queue.add([{ organizationId: organization.id, app, stage }]),
    Effect.flatMap(SqlClient, (sql) => sql`select ${notifying(sql, "work")}`)
  )

const suspend = (queue: WorkQueue, target: Target, { reason, seconds }: Suspend) =>
  transaction(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const audit = yield* Audit
      yield* refuseUnknown(target, { lock: true })
      const author = yield* currentAuthor
      const [row] = decodeEnds(
        yield* sql`
          update app_stages set
            suspended_at = case when ${suspendedNow(sql)} then suspended_at else clock_timestamp() end,
            suspended_until = clock_timestamp() + ${seconds} * interval '1 second', suspend_reason = ${reason},
            suspended_by_type = ${author?.type ?? null}, suspended_by = ${author?.id ?? null}
          where ${inStage(sql, target)} returning suspended_until as until`
      )
      if (row === undefined) return
      yield* wake(queue, target)
      yield* recordEvents(target.organization.id, suspensionEvent("app.suspended", target, row.until))
      yield* audit.append(auditOf("apps.suspend", target, ` until ${row.until.toISOString()}: ${reason}`))
    })
  ).pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable))

/** A pass that began before the suspension may still apply. Waits until it has ended. */
const untilPassed = (target: Target) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const { app, organization, stage } = target
    const held = sql`organization_id = ${organization.id} and key = ${`${app}/${stage}`}`
    const [pass] = decodeTokens(
      yield* sql`
        select lease_token from work_items where ${held} and lease_token is not null and lease_until > clock_timestamp()`
    )
    if (pass === undefined) return
    yield* sql`
      select 1 from work_items where ${held} and lease_token = ${pass.lease_token} and lease_until > clock_timestamp()`.pipe(
      Effect.filterOrFail(
        (rows) => rows.length === 0,
        () =>
          new Unavailable({
            detail: `${app}/${stage} is suspended, but a repair that began before may still go on. To wait for it, suspend it again, which is safe to repeat.`,
            retryAfterSeconds: 2
          })
      ),
      Effect.retry({ schedule: whileCallerWaits, while: (error) => error instanceof Unavailable })
    )
  })

const end = (queue: WorkQueue, target: Target) =>
  transaction(
    Effect.gen(function* () {
      const audit = yield* Audit
      yield* refuseUnknown(target, { lock: true })
      const { app, organization, stage } = target
      if ((yield* endSuspension({ organizationId: organization.id, app, stage })) === undefined) return
      yield* wake(queue, target)
      yield* audit.append(auditOf("apps.endSuspension", target, ""))
    })
  ).pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable))

const nothingToSuspend = new InvalidSpec({
  detail:
    "The local runtime has nothing to suspend: only this server can change its services, so it never reverts anything. Suspend apps on Kubernetes.",
  errors: []
})

/** `Suspensions` in the stages' rows. */
export const layer = (queue: WorkQueue) =>
  Layer.effect(
    Suspensions,
    Effect.gen(function* () {
      const context = yield* contextWithoutRows<SqlClient | Audit>()
      const runtime = yield* Runtime
      const get = (target: Target) => Effect.map(readSuspension(target), (found) => found ?? null)
      return {
        get: Effect.fn("Suspensions.get")(
          (target) => Effect.zipRight(refuseUnknown(target), get(target)),
          orUnavailable,
          Effect.provide(context)
        ),
        suspend: Effect.fn("Suspensions.suspend")(
          function* (target, input) {
            if (!runtime.repairs) return yield* nothingToSuspend
            yield* suspend(queue, target, input)
            yield* untilPassed(target)
            // Somebody else may have ended it meanwhile.
            return (yield* readSuspension(target)) ?? (yield* noApp(target.app, target.stage))
          },
          orUnavailable,
          Effect.provide(context)
        ),
        end: Effect.fn("Suspensions.end")((target) => end(queue, target), orUnavailable, Effect.provide(context))
      }
    })
  )
