import { SqlClient } from "@effect/sql/SqlClient"
import type { AppName, StageName } from "@maxcloud/config-schema"
import { Conflict, DeploymentSpec } from "@maxcloud/sdk/api"
import { type Context, Effect, Layer, Schema } from "effect"
import type { Notifications } from "../../base/database/Notifications.ts"
import { contextWithoutRows } from "../../base/database/RowScope.ts"
import { orUnavailable } from "../../base/database/sqlErrors.ts"
import type { DataKeys } from "../../base/keys/DataKeys.ts"
import type { Organization } from "../../base/words/Organization.ts"
import type { Platform } from "../../runtimes/port/Platform.ts"
import type { Runtime } from "../../runtimes/port/Runtime.ts"
import type { Images } from "../../stores/images/Images.ts"
import type { Secrets } from "../../stores/secrets/Secrets.ts"
import type { Audit } from "../../tenancy/audit/Audit.ts"
import type { Quotas } from "../../tenancy/limits/Quotas.ts"
import { noDeployment } from "../retention/Retention.ts"
import { acceptNothing, acceptPlanned, lookAgain, newestDeployment, outrun } from "./accept/acceptSpec.ts"
import { madeBefore } from "./accept/madeBefore.ts"
import { Deployments } from "./Deployments.ts"
import { planDeployment } from "./plans/planDeployment.ts"
import type { WorkQueue } from "./queue/WorkQueue.ts"
import { noApp, pageOfApps, pageOfDeployments } from "./records/deploymentPages.ts"
import { findDeployment } from "./records/deploymentRows.ts"
import { followEvents } from "./records/followEvents.ts"
import { leftAlone } from "./records/leftAlone.ts"
import { readOutputs } from "./records/outputs.ts"
import { cancelDeployment } from "./rollback/cancelDeployment.ts"
import { idOfNumber, noNumber, pinnedByNumber, rollBack } from "./rollback/rollBack.ts"
import { createService } from "./services/createService.ts"
import { deleteService } from "./services/deleteService.ts"
import { testedPolicy, triedPolicy } from "./validate/appPolicies.ts"
import { readSpec } from "./validate/inspectSpec.ts"

const decodeStored = Schema.decodeUnknownSync(DeploymentSpec.fields.spec)

const hasSecrets = (organization: Organization, app: AppName, stage: StageName) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const found = yield* sql`
      select 1 from secrets
      where organization_id = ${organization.id} and app = ${app} and stage = ${stage} and is_set limit 1`
    return found.length > 0
  })

const destroy = (queue: WorkQueue, organization: Organization, app: AppName, stage: StageName, keepsSecrets: boolean) =>
  Effect.gen(function* () {
    const target = { organization, app, stage }
    const latest = yield* newestDeployment(target)
    if (latest === undefined) return yield* noApp(app, stage)
    const isRunning = latest.services > 0 || latest.unfinished
    // After the last service was deleted, only secrets may be left.
    if (!isRunning && !(yield* hasSecrets(organization, app, stage))) return yield* noApp(app, stage)
    return yield* acceptNothing(queue, target, latest.number, { unsetsSecrets: !keepsSecrets }).pipe(
      Effect.catchTag("InvalidSpec", ({ detail }) => new Conflict({ detail }))
    )
  })

const outputs = (organization: Organization, app: AppName, stage: StageName) =>
  Effect.flatMap(readOutputs({ organization, app, stage }), (found) =>
    found === undefined ? noApp(app, stage) : Effect.succeed(found)
  )

type Needs = SqlClient | Notifications | Runtime | Secrets | Images | Platform | Audit | Quotas | DataKeys
type Written = "accept" | "plan" | "createService" | "deleteService" | "destroy" | "cancel" | "tryPolicy" | "testPolicy"

/** What deploys, or says what a deployment would do. */
const changes = (queue: WorkQueue, context: Context.Context<Needs>): Pick<Deployments["Type"], Written> => ({
  accept: Effect.fn("Deployments.accept")(
    function* ({ from, message, metadata, plan, ...input }) {
      return yield* madeBefore(
        input.organization,
        Effect.gen(function* () {
          if ("deployment" in from) {
            const origin = { kind: "rollback", from: from.deployment, message, metadata } as const
            return yield* rollBack(queue, input, from.deployment, { ...input, origin })
          }
          const origin = { kind: "deploy", message, metadata } as const
          const read = yield* readSpec(input, from.spec)
          return yield* acceptPlanned(queue, { ...input, ...read, origin, planId: plan })
        })
      )
    },
    Effect.catchTag("Outrun", outrun),
    orUnavailable,
    Effect.provide(context)
  ),

  plan: Effect.fn("Deployments.plan")(planDeployment, orUnavailable, Effect.provide(context)),

  createService: Effect.fn("Deployments.createService")(
    function* (organization, input) {
      return yield* lookAgain(createService(queue, organization, input))
    },
    Effect.catchTag("Outrun", outrun),
    orUnavailable,
    Effect.provide(context)
  ),

  deleteService: Effect.fn("Deployments.deleteService")(
    function* (organization, id) {
      return yield* madeBefore(organization, lookAgain(deleteService(queue, organization, id)))
    },
    Effect.catchTag("Outrun", outrun),
    orUnavailable,
    Effect.provide(context)
  ),

  destroy: Effect.fn("Deployments.destroy")(
    function* (organization, app, stage, { keepsSecrets = false } = {}) {
      return yield* madeBefore(organization, lookAgain(destroy(queue, organization, app, stage, keepsSecrets)))
    },
    Effect.catchTag("Outrun", outrun),
    orUnavailable,
    Effect.provide(context)
  ),

  cancel: Effect.fn("Deployments.cancel")(
    (organization, app, stage, number) => cancelDeployment(queue, { organization, app, stage }, number),
    orUnavailable,
    Effect.provide(context)
  ),

  tryPolicy: Effect.fn("Deployments.tryPolicy")(
    (organization, { message = null, ...policy }) => triedPolicy(organization, { ...policy, message }),
    orUnavailable,
    Effect.provide(context)
  ),

  testPolicy: Effect.fn("Deployments.testPolicy")(testedPolicy, orUnavailable, Effect.provide(context))
})

/** What reads deployments that were accepted. */
const readers = (context: Context.Context<Needs>): Omit<Deployments["Type"], Written> => ({
  outputs: Effect.fn("Deployments.outputs")(outputs, orUnavailable, Effect.provide(context)),

  leftAlone: Effect.fn("Deployments.leftAlone")(leftAlone, orUnavailable, Effect.provide(context)),

  get: Effect.fn("Deployments.get")(
    (organization, id) =>
      findDeployment(organization.id, id).pipe(
        Effect.flatMap((found) => (found === undefined ? noDeployment(id) : Effect.succeed(found)))
      ),
    orUnavailable,
    Effect.provide(context)
  ),

  byNumber: Effect.fn("Deployments.byNumber")(
    function* (organization, app, stage, number) {
      const target = { organization, app, stage }
      const found = yield* findDeployment(organization.id, yield* idOfNumber(target, number))
      return found ?? (yield* noNumber(target, number))
    },
    orUnavailable,
    Effect.provide(context)
  ),

  spec: Effect.fn("Deployments.spec")(
    function* (organization, app, stage, number) {
      const { images, secretVersions, spec } = yield* pinnedByNumber({ organization, app, stage }, number)
      return {
        spec: decodeStored(spec),
        secretVersions: Object.fromEntries(secretVersions),
        images: Object.fromEntries([...images].map(([name, { reference }]) => [name, reference]))
      }
    },
    orUnavailable,
    Effect.provide(context)
  ),

  page: Effect.fn("Deployments.page")(pageOfDeployments, orUnavailable, Effect.provide(context)),

  apps: Effect.fn("Deployments.apps")(pageOfApps, orUnavailable, Effect.provide(context)),

  events: Effect.fn("Deployments.events")(
    function* (organization, id, afterId) {
      if ((yield* findDeployment(organization.id, id)) === undefined) return yield* noDeployment(id)
      return followEvents(context, organization.id, id, afterId)
    },
    orUnavailable,
    Effect.provide(context)
  )
})

export const layer = (queue: WorkQueue) =>
  Layer.effect(
    Deployments,
    Effect.map(contextWithoutRows<Needs>(), (context) => ({ ...changes(queue, context), ...readers(context) }))
  )
