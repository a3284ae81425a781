import { AppName, AppSpec, ServiceName, StageName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { Author } from "./author.ts"
import { DeploymentKind } from "./deploymentOrigin.ts"
import { Diagnosis } from "./diagnosis.ts"
import { DeploymentId, PlanId } from "./ids.ts"
import { listOf } from "./lists.ts"
import { openEnum, openEnums } from "./openEnum.ts"
import { ProblemError } from "./problemErrors.ts"
import { TextOrNull } from "./textOrNull.ts"
import { Time } from "./time.ts"

/** `queued` → `running` → `succeeded` or `failed`; `superseded` if a newer one came before it started or
 * finished, `cancelled` if somebody cancelled it. */
export const DeploymentState = Schema.Literal("queued", "running", "succeeded", "failed", "superseded", "cancelled")
export type DeploymentState = typeof DeploymentState.Type

/** What a deployment does with a service. */
export const ServiceAction = Schema.Literal("create", "update", "delete", "unchanged")
export type ServiceAction = typeof ServiceAction.Type

/** How far a deployment is with a service. `paused`: it's deployed, and starts when somebody resumes it. */
export const DeploymentServiceState = Schema.Literal("pending", "ready", "paused", "failed", "deleted")
export type DeploymentServiceState = typeof DeploymentServiceState.Type

/** The state of one service of a deployment. */
export const DeploymentService = Schema.Struct({
  name: ServiceName,
  action: openEnum(...ServiceAction.literals),
  state: openEnum(...DeploymentServiceState.literals),
  revision: Schema.NullOr(Schema.String),
  /** Its image by digest; null for a source, or if the digest wasn't known. */
  image: Schema.optionalWith(Schema.NullOr(Schema.String), { default: () => null }),
  url: Schema.NullOr(Schema.String),
  /** In CamelCase. */
  reason: Schema.String,
  message: TextOrNull,
  /** The last lines that its instance wrote, if it failed. */
  logTail: Schema.Array(Schema.String),
  /** Why it doesn't become ready, as soon as that is known. */
  diagnosis: Schema.NullOr(Diagnosis)
}).annotations({ identifier: "DeploymentService" })
export interface DeploymentService extends Schema.Schema.Type<typeof DeploymentService> {}

/** The state of a deployment, and its reason. */
export const DeploymentStatus = Schema.Struct({
  state: openEnum(...DeploymentState.literals),
  /** In CamelCase. */
  reason: Schema.String,
  message: TextOrNull
}).annotations({ identifier: "DeploymentStatus" })
export interface DeploymentStatus extends Schema.Schema.Type<typeof DeploymentStatus> {}

/** One accepted AppSpec of an app and stage, numbered from 1. Immutable. */
export const Deployment = Schema.Struct({
  id: DeploymentId,
  app: AppName,
  stage: StageName,
  number: Schema.Int,
  kind: openEnum(...DeploymentKind.literals),
  /** For a `rollback`: the number of the deployment that it returns to. */
  fromDeployment: Schema.NullOr(Schema.Int),
  /** The credential that created it. Null for the user who started the server, without a credential. */
  createdBy: Schema.NullOr(Author),
  /** The author's description. */
  message: Schema.NullOr(Schema.String),
  metadata: Schema.Record({ key: Schema.String, value: Schema.String }),
  status: DeploymentStatus,
  services: Schema.Array(DeploymentService),
  /** Settings that the runtime can't apply, as in the plan. */
  warnings: Schema.Array(ProblemError),
  createdAt: Time,
  startedAt: Schema.NullOr(Time),
  finishedAt: Schema.NullOr(Time)
}).annotations({ identifier: "Deployment" })
export interface Deployment extends Schema.Schema.Type<typeof Deployment> {}

/** A deployment can have hundreds of services with log lines, so its pages are smaller. */
export const DeploymentList = listOf(Deployment, {
  name: "deployments",
  sorts: ["-number"],
  filters: { state: Schema.optional(DeploymentState) },
  most: 100
})

/** A deployment's app as the server accepted it. Secrets are references, with their pinned versions. */
export const DeploymentSpec = Schema.Struct({
  spec: openEnums(Schema.encodedBoundSchema(AppSpec)),
  /** By name. */
  secretVersions: Schema.Record({ key: Schema.String, value: Schema.Int }),
  /** The images' digests, by their names in the spec. Missing if no registry was asked. */
  images: Schema.Record({ key: Schema.String, value: Schema.String })
}).annotations({ identifier: "DeploymentSpec" })
export interface DeploymentSpec extends Schema.Schema.Type<typeof DeploymentSpec> {}

export const DeploymentEventType = Schema.Literal(
  "accepted",
  "started",
  "applied",
  "service",
  "warning",
  "pruned",
  "finished"
)
export type DeploymentEventType = typeof DeploymentEventType.Type

/**
 * An event of a deployment. `id` increases within the deployment, and is the SSE event id for `Last-Event-ID`. The last event has the type
 * `finished`.
 */
export const DeploymentEvent = Schema.Struct({
  id: Schema.Int,
  at: Time,
  type: openEnum(...DeploymentEventType.literals),
  service: Schema.NullOr(ServiceName),
  reason: Schema.String,
  message: TextOrNull,
  /** The deployment when the event was read. Set for `finished`, and for the last of several `service` events that were read together. */
  deployment: Schema.NullOr(Deployment)
}).annotations({ identifier: "DeploymentEvent" })
export interface DeploymentEvent extends Schema.Schema.Type<typeof DeploymentEvent> {}

/** One field that would change. Values are shown as JSON; secrets as their name and version. */
export const FieldChange = Schema.Struct({
  path: Schema.String,
  before: Schema.NullOr(Schema.String),
  after: Schema.NullOr(Schema.String)
}).annotations({ identifier: "FieldChange" })
export interface FieldChange extends Schema.Schema.Type<typeof FieldChange> {}

export const ServiceChange = Schema.Struct({
  service: ServiceName,
  action: openEnum(...ServiceAction.literals),
  fields: Schema.Array(FieldChange)
}).annotations({ identifier: "ServiceChange" })
export interface ServiceChange extends Schema.Schema.Type<typeof ServiceChange> {}

/** An object that new settings of the platform change, although the app is the same. The server rolls it out by itself. */
export const PlatformChange = Schema.Struct({
  kind: Schema.String,
  name: Schema.String,
  /** Whether the service gets a new revision. */
  newRevision: Schema.Boolean
}).annotations({ identifier: "PlatformChange" })
export interface PlatformChange extends Schema.Schema.Type<typeof PlatformChange> {}

/** A Kubernetes object as plain data. A Secret has only the names and versions of its values. */
export const PlannedManifest = Schema.Record({ key: Schema.String, value: Schema.Unknown }).annotations({
  identifier: "PlannedManifest"
})
/** An object that the app's `manifests` patch, create, update or delete. For a patch, `before` is max-cloud's own value. */
export const ObjectChange = Schema.Struct({
  kind: Schema.String,
  name: Schema.String,
  action: openEnum("patch", "create", "update", "delete"),
  fields: Schema.Array(FieldChange)
}).annotations({ identifier: "ObjectChange" })
export interface ObjectChange extends Schema.Schema.Type<typeof ObjectChange> {}

/** The difference between an AppSpec and what runs. The server would refuse a deployment with `problems`, but not one with `warnings`. */
export const Plan = Schema.Struct({
  /**
   * Deploy with it as `plan`, or in quotes as `If-Match`: the response is 412 if something else would be applied by then. Null if the plan has
   * problems, or the digest of an image is unknown.
   */
  id: Schema.NullOr(PlanId),
  /** The number of the newest deployment; null if there is none yet. */
  basedOn: Schema.NullOr(Schema.Int),
  app: AppName,
  stage: StageName,
  changes: Schema.Array(ServiceChange),
  problems: Schema.Array(ProblemError),
  warnings: Schema.Array(ProblemError),
  /** Changes of the platform's settings that haven't been rolled out yet to the current deployments. */
  platform: Schema.optionalWith(Schema.Array(PlatformChange), { default: () => [] }),
  /** The images' digests, by their names in the spec; null if only the first instance resolves it. */
  images: Schema.Record({ key: Schema.String, value: Schema.NullOr(Schema.String) }),
  /** The version of each secret, by name. A secret that the deployment will generate has none yet. */
  secretVersions: Schema.Record({ key: Schema.String, value: Schema.Int }),
  /** The manifests, if requested. */
  manifests: Schema.NullOr(Schema.Array(PlannedManifest)),
  /** The effects of the app's `manifests` on objects. Lists all patches, but the app's own objects only if they change. */
  objects: Schema.optionalWith(Schema.Array(ObjectChange), { default: () => [] })
}).annotations({ identifier: "Plan" })
export interface Plan extends Schema.Schema.Type<typeof Plan> {}

/** One stage of an app. */
export const AppStage = Schema.Struct({
  app: AppName,
  stage: StageName,
  services: Schema.Int,
  deployment: Schema.NullOr(Deployment)
}).annotations({ identifier: "AppStage" })
export interface AppStage extends Schema.Schema.Type<typeof AppStage> {}

export const AppStageList = listOf(AppStage, {
  name: "apps",
  sorts: ["app"],
  filters: { app: Schema.optional(AppName), stage: Schema.optional(StageName) },
  most: 100
})

/** The outputs of an app's stage, by name. */
export const Outputs = Schema.Record({ key: Schema.String, value: Schema.String }).annotations({
  identifier: "Outputs"
})
export type Outputs = typeof Outputs.Type
