import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { AppName, SecretName, StageName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { Authentication } from "../authentication.ts"
import { AppStageList, Deployment, DeploymentList, DeploymentSpec, Outputs, Plan } from "../deployment.ts"
import { DeploymentMessage, DeploymentMetadata, DeploymentNumber } from "../deploymentOrigin.ts"
import { DriftList, LeftAlone } from "../drift.ts"
import { del, deploys, get, post, put, readers, reads } from "../endpoint.ts"
import { wire } from "../errors.ts"
import { IfMatch } from "../headers.ts"
import { PlanId } from "../ids.ts"
import { knownKeysOnly } from "../knownKeysOnly.ts"
import { NetworkReport } from "../network.ts"
import { integerText } from "../numberText.ts"
import {
  CopySecrets,
  ImportSecrets,
  RollbackSecret,
  SecretInfo,
  SecretList,
  SecretValue,
  SecretVersionList
} from "../secrets.ts"
import { SentSpec } from "../sentSpec.ts"
import { Suspend, Suspension, SuspensionState } from "../suspension.ts"

const stagePath = Schema.Struct({ app: AppName, stage: StageName })

const secretPath = Schema.Struct({ ...stagePath.fields, name: SecretName })

const DeploymentNumberText = integerText(
  1,
  2_147_483_647,
  () => "This isn't a deployment's number. `maxcloud deployments list` shows the numbers."
).pipe(
  Schema.compose(DeploymentNumber),
  Schema.annotations({ jsonSchema: { type: "integer", minimum: 1, maximum: 2_147_483_647 } })
)

const deploymentPath = Schema.Struct({
  ...stagePath.fields,
  number: DeploymentNumberText
})

const PlanPayload = Schema.Struct({
  spec: SentSpec,
  /** The deployment's message, because policies of the organization can read it. */
  metadata: Schema.optional(DeploymentMetadata),
  /** Include the manifests in the response. */
  manifests: Schema.optionalWith(Schema.Boolean, { default: () => false })
}).annotations({ identifier: "PlanRequest", ...knownKeysOnly })

/** Either `spec` or `fromDeployment`. */
const DeployPayload = Schema.Struct({
  spec: Schema.optional(SentSpec),
  /** Deploy the app of this earlier deployment again, with its images by digest and its versions of secrets. */
  fromDeployment: Schema.optional(DeploymentNumber),
  message: Schema.optional(DeploymentMessage),
  metadata: Schema.optional(DeploymentMetadata),
  /** The id of a plan of this spec, to deploy exactly that plan. */
  plan: Schema.optional(PlanId),
  /** Take over fields that another manager owns in the cluster (server-side apply's `force`). */
  forceConflicts: Schema.optionalWith(Schema.Boolean, { default: () => false })
}).annotations({ identifier: "DeployRequest", ...knownKeysOnly })

export class AppsGroup extends HttpApiGroup.make("apps")
  .add(
    get("list", "/", {
      id: "listApps",
      summary: "List apps and stages",
      description: "Each with its newest deployment.",
      client: "apps.list",
      roles: readers,
      writes: false
    })
      .setUrlParams(AppStageList.parameters)
      .addSuccess(AppStageList.answer)
  )
  .add(
    post("plan", "/:app/stages/:stage/plan", {
      id: "planDeployment",
      summary: "Plan a deployment",
      description:
        "Shows field by field how deploying this AppSpec would change the app, without deploying it. 422 only if it can't be read. `id` identifies the whole plan: the newest deployment, the spec, and the manifests with versions of secrets and digests of images. It is also in the header `ETag`.",
      client: "plan",
      json: "spec",
      ...reads("path")
    })
      .setPath(stagePath)
      .setPayload(PlanPayload)
      .addSuccess(Plan)
      .addError(wire.InvalidSpec)
  )
  .add(
    post("deploy", "/:app/stages/:stage/deployments", {
      id: "createDeployment",
      summary: "Deploy an app",
      description:
        "Accepts an AppSpec, or with `fromDeployment` that of an earlier deployment. Once the server responds, the deployment is durable. With the id of a plan as `plan`, or its `ETag` as `If-Match`, the response is 412 if the plan is outdated: another deployment was accepted since, or a secret, an image's digest, or a setting of the server has changed. `forceConflicts` takes over fields that another manager has set in the cluster; without it, such a conflict fails the deployment.",
      client: "deploy",
      json: "spec",
      ...deploys("path")
    })
      .setPath(stagePath)
      .setPayload(DeployPayload)
      .setHeaders(IfMatch)
      .addSuccess(Deployment, { status: 202 })
      .addError(wire.NotFound)
      .addError(wire.Conflict)
      .addError(wire.PlanOutdated)
      .addError(wire.InvalidSpec)
      .addError(wire.QuotaExceeded)
  )
  .add(
    post("cancel", "/:app/stages/:stage/deployments/:number/cancel", {
      id: "cancelDeployment",
      summary: "Cancel a deployment",
      description:
        "Cancels a queued or running deployment; its state is then `cancelled`. If it is the newest, the last successful deployment before it is deployed again, under the next number; if there is none, everything that it started is removed. Safe to repeat. 409 if it has already finished.",
      client: "deployments.cancel",
      ...deploys("path")
    })
      .setPath(deploymentPath)
      .addSuccess(Deployment)
      .addError(wire.NotFound)
      .addError(wire.Conflict)
  )
  .add(
    get("deployment", "/:app/stages/:stage/deployments/:number", {
      id: "getDeploymentByNumber",
      summary: "Get a deployment by its number",
      description: "The same as by its id.",
      client: "deployments.byNumber",
      ...reads("path")
    })
      .setPath(deploymentPath)
      .addSuccess(Deployment)
      .addError(wire.NotFound)
  )
  .add(
    get("deploymentSpec", "/:app/stages/:stage/deployments/:number/spec", {
      id: "getDeploymentSpec",
      summary: "Get the app of a deployment",
      description: "The AppSpec as the server accepted it, with the pinned versions of secrets and digests of images.",
      client: "deployments.spec",
      ...reads("path")
    })
      .setPath(deploymentPath)
      .addSuccess(DeploymentSpec)
      .addError(wire.NotFound)
  )
  .add(
    get("deployments", "/:app/stages/:stage/deployments", {
      id: "listDeployments",
      summary: "List the deployments of a stage",
      description: "Newest first.",
      client: "deployments.list",
      ...reads("path")
    })
      .setPath(stagePath)
      .setUrlParams(DeploymentList.parameters)
      .addSuccess(DeploymentList.answer)
      .addError(wire.NotFound)
  )
  .add(
    del("destroy", "/:app/stages/:stage", {
      id: "destroyStage",
      summary: "Destroy a stage of an app",
      description:
        "A deployment that removes every service of the app in this stage. Its secrets are unset. 409 if another app links to one of the services.",
      client: "apps.destroy",
      ...deploys("path")
    })
      .setPath(stagePath)
      .addSuccess(Deployment, { status: 202 })
      .addError(wire.Conflict)
      .addError(wire.NotFound)
  )
  .add(
    get("outputs", "/:app/stages/:stage/outputs", {
      id: "getOutputs",
      summary: "Read the outputs of a stage",
      description:
        "The `outputs` of the app's config as a map of strings, from the newest successful deployment. No output contains a secret.",
      client: "apps.outputs",
      ...reads("path")
    })
      .setPath(stagePath)
      .addSuccess(Outputs)
      .addError(wire.NotFound)
  )
  .add(
    get("secrets", "/:app/stages/:stage/secrets", {
      id: "listSecrets",
      summary: "List secrets",
      description: "Names and versions. Responses never contain a value.",
      client: "secrets.list",
      ...reads("path")
    })
      .setPath(stagePath)
      .setUrlParams(SecretList.parameters)
      .addSuccess(SecretList.answer)
  )
  .add(
    put("setSecret", "/:app/stages/:stage/secrets/:name", {
      id: "setSecret",
      summary: "Set a secret",
      description: "Adds a version. It takes effect with the next deployment.",
      client: "secrets.set",
      ...deploys("path")
    })
      .setPath(secretPath)
      .setPayload(SecretValue)
      .addSuccess(SecretInfo)
      .addError(wire.Conflict)
  )
  .add(
    del("unsetSecret", "/:app/stages/:stage/secrets/:name", {
      id: "unsetSecret",
      summary: "Unset a secret",
      description: "Deployments that use a version of it keep that version until they are deleted.",
      client: "secrets.unset",
      ...deploys("path")
    })
      .setPath(secretPath)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(wire.NotFound)
  )
  .add(
    post("importSecrets", "/:app/stages/:stage/secrets-import", {
      id: "importSecrets",
      summary: "Import secrets",
      description:
        "Adds a version of each secret, or of none. They take effect with the next deployment. Duplicate names are rejected.",
      client: "secrets.import",
      ...deploys("path")
    })
      .setPath(stagePath)
      .setPayload(ImportSecrets)
      .addSuccess(SecretList.answer)
      .addError(wire.Conflict)
  )
  .add(
    post("copySecrets", "/:app/stages/:stage/secrets-copy", {
      id: "copySecrets",
      summary: "Copy secrets",
      description:
        "Copies the newest values from another app or stage as new versions, all or none. No value leaves the server. A key with scopes needs `deploy` for both.",
      client: "secrets.copy",
      ...deploys("path")
    })
      .setPath(stagePath)
      .setPayload(CopySecrets)
      .addSuccess(SecretList.answer)
      .addError(wire.Conflict)
      .addError(wire.NotFound)
  )
  .add(
    get("secretVersions", "/:app/stages/:stage/secrets/:name/versions", {
      id: "listSecretVersions",
      summary: "List the versions of a secret",
      description: "The stored versions, newest first, without values.",
      client: "secrets.versions",
      ...reads("path")
    })
      .setPath(secretPath)
      .setUrlParams(SecretVersionList.parameters)
      .addSuccess(SecretVersionList.answer)
      .addError(wire.NotFound)
  )
  .add(
    post("rollbackSecret", "/:app/stages/:stage/secrets/:name/rollback", {
      id: "rollbackSecret",
      summary: "Roll a secret back",
      description: "Makes the value of an earlier version the newest one, as a new version.",
      client: "secrets.rollback",
      ...deploys("path")
    })
      .setPath(secretPath)
      .setPayload(RollbackSecret)
      .addSuccess(SecretInfo)
      .addError(wire.Conflict)
      .addError(wire.NotFound)
  )
  .add(
    get("drift", "/:app/stages/:stage/drift", {
      id: "listDrift",
      summary: "List drift",
      description:
        "Changes to the app's objects by anyone but max-cloud in the last 90 days, newest first: the field manager, and when max-cloud reverted it.",
      client: "apps.drift",
      ...reads("path")
    })
      .setPath(stagePath)
      .setUrlParams(DriftList.parameters)
      .addSuccess(DriftList.answer)
      .addError(wire.NotFound)
  )
  .add(
    get("leftAlone", "/:app/stages/:stage/drift/left-alone", {
      id: "listLeftAloneFields",
      summary: "List fields that are left alone",
      description:
        "Fields that other field managers added to the app's objects and that max-cloud doesn't revert, such as a billing label: their paths without values. Read from the cluster at each request; up to 500 fields. Empty on the local runtime.",
      client: "apps.leftAlone",
      ...reads("path")
    })
      .setPath(stagePath)
      .addSuccess(LeftAlone)
      .addError(wire.NotFound)
  )
  .add(
    get("suspension", "/:app/stages/:stage/suspension", {
      id: "getSuspension",
      summary: "Get the suspension of a stage",
      description: "Whether max-cloud leaves the stage's objects as others change them, until when and why.",
      client: "apps.suspension",
      ...reads("path")
    })
      .setPath(stagePath)
      .addSuccess(SuspensionState)
      .addError(wire.NotFound)
  )
  .add(
    put("suspend", "/:app/stages/:stage/suspension", {
      id: "suspendStage",
      summary: "Suspend the repair of a stage",
      description:
        "Until the suspension ends, the server doesn't revert changes to the app's objects in the cluster, restores no deleted object and rolls out no settings of the platform. Requests and scaling aren't affected. Deployments still apply, but take no field that somebody else has set unless `forceConflicts` says so; a pause, resume or restart of a service gets 409. It ends by itself after `seconds` (default 3600, maximum 86400). The call returns when nothing is being repaired any more; repeating it changes end and reason. 422 if the runtime repairs nothing.",
      client: "apps.suspend",
      ...deploys("path")
    })
      .setPath(stagePath)
      .setPayload(Suspend)
      .addSuccess(Suspension)
      .addError(wire.NotFound)
      .addError(wire.InvalidSpec)
  )
  .add(
    del("endSuspension", "/:app/stages/:stage/suspension", {
      id: "endSuspension",
      summary: "End the suspension of a stage",
      description: "The server reverts what others have changed since. Safe to repeat.",
      client: "apps.endSuspension",
      ...deploys("path")
    })
      .setPath(stagePath)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(wire.NotFound)
  )
  .add(
    post("verifyNetwork", "/:app/stages/:stage/network/verify", {
      id: "verifyNetwork",
      summary: "Verify the network",
      description:
        "Probes from real pods which connections the network allows, and compares that with the config. 422 if the runtime has no network of its own.",
      client: "apps.verifyNetwork",
      ...deploys("path")
    })
      .setPath(stagePath)
      .addSuccess(NetworkReport)
      .addError(wire.NotFound)
      .addError(wire.InvalidSpec)
  )
  .middleware(Authentication)
  .prefix("/api/v1/apps") {}
