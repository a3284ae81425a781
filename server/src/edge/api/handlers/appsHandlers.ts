import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import {
  AppStageList,
  CurrentOrganization,
  type Deployment,
  DeploymentList,
  DriftList,
  MaxCloudApi,
  type PlanId
} from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { type DeployInput, Deployments } from "../../../control/deployments/Deployments.ts"
import { Suspensions } from "../../../control/deployments/suspension/Suspensions.ts"
import { DriftLog } from "../../../control/drift/DriftLog.ts"
import { NetworkVerifier } from "../../../runtimes/port/NetworkVerifier.ts"
import { locatedAt } from "../../http/answerHeaders.ts"
import { invalidRequest } from "../../http/problems.ts"
import { answerPage } from "./answerPage.ts"
import { appSecrets } from "./appSecrets.ts"

const eitherOr = invalidRequest("Send the app as `spec`, or the number of an earlier deployment as `fromDeployment`.")

/** The plan named by the body or the header. */
const planOf = (written: PlanId | undefined, tag: PlanId | undefined, fromDeployment: number | undefined) => {
  const plan = written ?? tag
  if (plan !== undefined && fromDeployment !== undefined) {
    return invalidRequest("A plan applies to an app sent as `spec`. Leave out `fromDeployment` or the plan.")
  }
  return written === undefined || tag === undefined || written === tag
    ? Effect.succeed(plan)
    : invalidRequest("`plan` and If-Match name different plans. Send one of them.")
}

interface Subject {
  readonly spec?: unknown
  readonly fromDeployment?: number | undefined
}

/** What a deploy is of: an app, or an earlier deployment. */
const inputOf = (
  payload: Pick<DeployInput, "message" | "metadata" | "plan" | "forceConflicts"> & Subject,
  tag: PlanId | undefined
) =>
  Effect.gen(function* () {
    const { forceConflicts, fromDeployment, message, metadata, spec } = payload
    if ((spec === undefined) === (fromDeployment === undefined)) return yield* eitherOr
    const plan = yield* planOf(payload.plan, tag, fromDeployment)
    const from = fromDeployment === undefined ? { spec } : { deployment: fromDeployment }
    return { from, message, metadata, plan, forceConflicts }
  })

/** Puts the accepted deployment into the answer's headers. */
const located = <E, R>(accepted: Effect.Effect<Deployment, E, R>) =>
  Effect.tap(accepted, ({ id }) => locatedAt(`/api/v1/deployments/${id}`))

export const appsHandlers = HttpApiBuilder.group(MaxCloudApi, "apps", (handlers) =>
  Effect.gen(function* () {
    const deployments = yield* Deployments
    const secrets = yield* appSecrets
    const drift = yield* DriftLog
    const network = yield* NetworkVerifier
    const suspensions = yield* Suspensions
    return handlers
      .handle("list", ({ urlParams }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          answerPage(AppStageList, deployments.apps(organization, urlParams, AppStageList.pagingOf(urlParams)))
        )
      )
      .handle("plan", ({ path, payload }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          // Skip the Schema: encoding the largest plan takes as long as encoding the app itself, and nothing in a plan needs it.
          Effect.map(
            deployments.plan({ organization, ...path, ...payload, withManifests: payload.manifests }),
            (plan) => HttpServerResponse.unsafeJson(plan, { headers: plan.id === null ? {} : { etag: `"${plan.id}"` } })
          )
        )
      )
      .handle("deploy", ({ headers, path, payload }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          Effect.flatMap(inputOf(payload, headers["if-match"]), (input) =>
            deployments.accept({ organization, ...path, ...input })
          )
        ).pipe(located)
      )
      .handle("deployment", ({ path: { app, number, stage } }) =>
        Effect.flatMap(CurrentOrganization, (organization) => deployments.byNumber(organization, app, stage, number))
      )
      .handle("deploymentSpec", ({ path: { app, number, stage } }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          // Skip the Schema, for the same reason as with a plan.
          Effect.map(deployments.spec(organization, app, stage, number), (found) =>
            HttpServerResponse.unsafeJson(found)
          )
        )
      )
      .handle("cancel", ({ path: { app, number, stage } }) =>
        Effect.flatMap(CurrentOrganization, (organization) => deployments.cancel(organization, app, stage, number))
      )
      .handle("deployments", ({ path, urlParams }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          answerPage(
            DeploymentList,
            deployments.page({ organization, ...path }, urlParams, DeploymentList.pagingOf(urlParams))
          )
        )
      )
      .handle("destroy", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          deployments.destroy(organization, path.app, path.stage)
        ).pipe(located)
      )
      .handle("outputs", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) => deployments.outputs(organization, path.app, path.stage))
      )
      .handle("drift", ({ path, urlParams }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          answerPage(DriftList, drift.page({ organization, ...path }, urlParams, DriftList.pagingOf(urlParams)))
        )
      )
      .handle("leftAlone", ({ path: { app, stage } }) =>
        Effect.flatMap(CurrentOrganization, (organization) => deployments.leftAlone(organization, app, stage))
      )
      .handle("suspension", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          Effect.map(suspensions.get({ organization, ...path }), (suspension) => ({ suspension }))
        )
      )
      .handle("suspend", ({ path, payload }) =>
        Effect.flatMap(CurrentOrganization, (organization) => suspensions.suspend({ organization, ...path }, payload))
      )
      .handle("endSuspension", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) => suspensions.end({ organization, ...path }))
      )
      .handle("verifyNetwork", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) => network.verify(organization, path.app, path.stage))
      )
      .handle("secrets", ({ path, urlParams }) => secrets.page(path, urlParams))
      .handle("setSecret", ({ path: { name, ...stage }, payload }) => secrets.set(stage, name, payload))
      .handle("importSecrets", ({ path, payload }) => secrets.importAll(path, payload))
      .handle("copySecrets", ({ path, payload }) => secrets.copy(path, payload))
      .handle("secretVersions", ({ path: { name, ...stage }, urlParams }) => secrets.versions(stage, name, urlParams))
      .handle("rollbackSecret", ({ path: { name, ...stage }, payload }) =>
        secrets.rollback(stage, name, payload.version)
      )
      .handle("unsetSecret", ({ path: { name, ...stage } }) => secrets.unset(stage, name))
  })
)
