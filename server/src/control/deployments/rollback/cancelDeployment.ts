import { SqlClient } from "@effect/sql/SqlClient"
import { Conflict, DeploymentState } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { transaction } from "../../../base/database/sqlErrors.ts"
import { masterKeyUnavailable } from "../../../base/keys/masterKeyUnavailable.ts"
import type { Target } from "../../../base/words/Target.ts"
import { Audit } from "../../../tenancy/audit/Audit.ts"
import { accept } from "../accept/accept.ts"
import { loadDeployment } from "../accept/acceptSpec.ts"
import type { WorkQueue } from "../queue/WorkQueue.ts"
import { appendEvents } from "../records/deploymentRows.ts"
import { pinnedBy } from "../records/pinned.ts"
import { linkProblems } from "../validate/appLinks.ts"
import { readSpec } from "../validate/inspectSpec.ts"
import { noNumber } from "./rollBack.ts"

const Row = Schema.Struct({ id: Schema.String, number: Schema.Int, state: DeploymentState, newest: Schema.Boolean })
const decodeRows = Schema.decodeUnknownSync(Schema.Array(Row))
type Row = typeof Row.Type

const stageOf = (sql: SqlClient, { app, organization, stage }: Target) =>
  sql`organization_id = ${organization.id} and app = ${app} and stage = ${stage}`

/** The deployment, with its app and stage locked: nothing else of them is accepted until the transaction ends. */
const lockDeployment = (target: Target, number: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const inStage = stageOf(sql, target)
    // The same lock order as in `accept`.
    yield* sql`select 1 from organizations where id = ${target.organization.id} for no key update`
    yield* sql`select 1 from app_stages where ${inStage} for update`
    const [row] = decodeRows(
      yield* sql`
        select id, number, state, number = (select last_number from app_stages where ${inStage}) as newest
        from deployments where ${inStage} and number = ${number}`
    )
    return row ?? (yield* noNumber(target, number))
  })

/** The newest successful deployment before `number`. */
const lastGood = (target: Target, number: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = decodeRows(
      yield* sql`
        select id, number, state, false as newest from deployments
        where ${stageOf(sql, target)} and number < ${number} and state = 'succeeded' order by number desc limit 1`
    )
    return rows[0]
  })

/** Accepts a deployment of the previous state: of the app in `good`, or of no services. */
const restore = (queue: WorkQueue, target: Target, number: number, good: Row | undefined) =>
  Effect.gen(function* () {
    const nothing = { spec: { app: target.app, services: [] }, secretVersions: new Map(), images: new Map() }
    const pinned = (good === undefined ? undefined : yield* pinnedBy(target.organization.id, good.id)) ?? nothing
    const read = yield* readSpec(target, pinned.spec)
    const origin = good === undefined ? { kind: "destroy" as const } : { kind: "rollback" as const, from: good.number }
    const kept = {
      ...target,
      ...pinned,
      ...read,
      keepsVersions: true,
      generates: new Map(),
      problems: [],
      warnings: []
    }
    // Another app may have changed its exports since, or begun to use one. Nobody can now: the organization is locked.
    const [broken] = yield* linkProblems(target, read.spec)
    if (broken !== undefined) {
      const back = good === undefined ? "removing what it has started" : `restoring deployment ${good.number}`
      return yield* new Conflict({
        detail: `Deployment ${number} can't be cancelled, because ${back} would break a link between apps. ${broken.message} You can also replace this deployment with a new one: \`maxcloud deploy\`.`
      })
    }
    yield* accept(queue, { ...kept, origin, restores: true })
  }).pipe(
    // It was accepted before, isn't checked against quotas, and has no plan and no number.
    Effect.catchTags({ InvalidSpec: Effect.die, QuotaExceeded: Effect.die, PlanMoved: Effect.die, Outrun: Effect.die })
  )

const audited = ({ app, organization, stage }: Target, number: number) =>
  Effect.flatMap(Audit, (audit) =>
    audit.append({
      action: "apps.cancel",
      outcome: "succeeded",
      status: 200,
      subject: `deployment ${number} of ${app}/${stage}`,
      organizationId: organization.id
    })
  )

/**
 * Cancels a waiting or running deployment. If it is the newest one, the last successful deployment before it is accepted again in
 * the same transaction: the reconciler always carries out the newest one, whatever the cancelled one has done by then.
 */
export const cancelDeployment = (queue: WorkQueue, target: Target, number: number) =>
  transaction(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const { id, newest, state } = yield* lockDeployment(target, number)
      if (state === "cancelled") return id
      if (state !== "queued" && state !== "running") {
        return yield* new Conflict({
          detail: `Deployment ${number} has already ${state === "superseded" ? "been superseded" : state}, so it can't be cancelled. To deploy an earlier one, run \`maxcloud deploy --from NUMBER\`.`
        })
      }
      const good = newest ? yield* lastGood(target, number) : undefined
      const next = good === undefined ? "removes what it has started" : `restores deployment ${good.number}`
      const message = newest
        ? `Cancelled. Deployment ${number + 1} ${next}.`
        : "Cancelled. A newer deployment is in progress."
      yield* sql`
        update deployments set state = 'cancelled', reason = 'Cancelled', message = ${message},
          finished_at = clock_timestamp()
        where organization_id = ${target.organization.id} and id = ${id}`
      yield* appendEvents(target.organization.id, id, [{ type: "finished", reason: "Cancelled", message }])
      if (newest) yield* restore(queue, target, number, good)
      // Restoring writes an entry itself.
      else yield* audited(target, number)
      return id
    })
  ).pipe(
    Effect.catchTag("MasterKeyError", masterKeyUnavailable),
    Effect.flatMap((id) => loadDeployment(target.organization, id))
  )
