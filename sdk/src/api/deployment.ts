import { AppName, AppSpec, ServiceName, StageName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { DeploymentAuthor, DeploymentKind } from "./deploymentOrigin.ts"
import { Diagnosis } from "./diagnosis.ts"
import { Finding } from "./finding.ts"
import { DeploymentId, PlanId } from "./ids.ts"
import { listOf } from "./lists.ts"
import { openEnum, openEnums } from "./openEnum.ts"
import { TextOrNull } from "./textOrNull.ts"
import { Time } from "./time.ts"

/** `queued` → `running` → `succeeded` or `failed`; `superseded` where a newer one came before it had begun or
 * finished, `cancelled` where somebody ended it. */
export const DeploymentState = Schema.Literal("queued", "running", "succeeded", "failed", "superseded", "cancelled")
export type DeploymentState = typeof DeploymentState.Type

/** How one service of a deployment fares. */
export const DeploymentService = Schema.Struct({
  name: ServiceName,
  action: openEnum("create", "update", "delete", "unchanged"),
  state: openEnum("pending", "ready", "failed", "deleted"),
  revision: Schema.NullOr(Schema.String),
  /** Its image by digest; null for a source, or where the digest wasn't known. */
  image: Schema.optionalWith(Schema.NullOr(Schema.String), { default: () => null }),
  url: Schema.NullOr(Schema.String),
  /** A word in CamelCase. */
  reason: Schema.String,
  message: TextOrNull,
  /** The last lines that its instance wrote, where it failed. */
  logTail: Schema.Array(Schema.String),
  /** Why it does not become ready, as soon as that is known. */
  diagnosis: Schema.NullOr(Diagnosis)
}).annotations({ identifier: "DeploymentService" })
export interface DeploymentService extends Schema.Schema.Type<typeof DeploymentService> {}

/** How far a deployment is, and why. */
export const DeploymentStatus = Schema.Struct({
  state: openEnum(...DeploymentState.literals),
  /** A word in CamelCase. */
  reason: Schema.String,
  message: TextOrNull
}).annotations({ identifier: "DeploymentStatus" })
export interface DeploymentStatus extends Schema.Schema.Type<typeof DeploymentStatus> {}

/** One accepted AppSpec of an app and stage, numbered from 1; never changed after. */
export const Deployment = Schema.Struct({
  id: DeploymentId,
  app: AppName,
  stage: StageName,
  number: Schema.Int,
  kind: openEnum(...DeploymentKind.literals),
  /** Of a `rollback`: the number of the deployment whose app it has. */
  fromDeployment: Schema.NullOr(Schema.Int),
  /** Null: the user who started the server, without a credential. */
  createdBy: Schema.NullOr(DeploymentAuthor),
  /** What its author wrote about it. */
  message: Schema.NullOr(Schema.String),
  metadata: Schema.Record({ key: Schema.String, value: Schema.String }),
  status: DeploymentStatus,
  services: Schema.Array(DeploymentService),
  /** Settings that the runtime cannot honor, as in the plan. */
  warnings: Schema.Array(Finding),
  createdAt: Time,
  startedAt: Schema.NullOr(Time),
  finishedAt: Schema.NullOr(Time)
}).annotations({ identifier: "Deployment" })
export interface Deployment extends Schema.Schema.Type<typeof Deployment> {}

/** A deployment has up to hundreds of services with their last log lines, so its pages are smaller. */
export const DeploymentList = listOf(Deployment, {
  name: "deployments",
  sorts: ["-number"],
  filters: { state: Schema.optional(DeploymentState) },
  most: 100
})

/** The app of a deployment as it was accepted: secrets are references, with the version that each is pinned to. */
export const DeploymentSpec = Schema.Struct({
  spec: openEnums(Schema.encodedSchema(AppSpec)),
  /** By name. */
  secretVersions: Schema.Record({ key: Schema.String, value: Schema.Int }),
  /** Images by digest, by how the spec writes them. Left out: no registry was asked. */
  images: Schema.Record({ key: Schema.String, value: Schema.String })
}).annotations({ identifier: "DeploymentSpec" })
export interface DeploymentSpec extends Schema.Schema.Type<typeof DeploymentSpec> {}

/**
 * Something that happened in a deployment. `id` grows within the deployment; it is the SSE event id, to resume by `Last-Event-ID`.
 * The last one has type `finished`.
 */
export const DeploymentEvent = Schema.Struct({
  id: Schema.Int,
  at: Time,
  type: openEnum("accepted", "started", "applied", "service", "warning", "pruned", "finished"),
  service: Schema.NullOr(ServiceName),
  reason: Schema.String,
  message: TextOrNull,
  /** The deployment when the event was read: with `finished`, and with the last of the `service` events that are read together. */
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
  action: openEnum("create", "update", "delete", "unchanged"),
  fields: Schema.Array(FieldChange)
}).annotations({ identifier: "ServiceChange" })
export interface ServiceChange extends Schema.Schema.Type<typeof ServiceChange> {}

/** An object that the platform's newest settings change, although the app is the same: the server rolls it out by itself. */
export const PlatformChange = Schema.Struct({
  kind: Schema.String,
  name: Schema.String,
  /** Does the service get a new revision by it? */
  newRevision: Schema.Boolean
}).annotations({ identifier: "PlatformChange" })
export interface PlatformChange extends Schema.Schema.Type<typeof PlatformChange> {}

/** A Kubernetes object as plain data. A Secret has the names and versions of its values only. */
export const PlannedManifest = Schema.Record({ key: Schema.String, value: Schema.Unknown }).annotations({
  identifier: "PlannedManifest"
})
/** An object that the app's `manifests` patch, create, update or delete. Of a patch, `before` is what max-cloud writes by itself. */
export const ObjectChange = Schema.Struct({
  kind: Schema.String,
  name: Schema.String,
  action: openEnum("patch", "create", "update", "delete"),
  fields: Schema.Array(FieldChange)
}).annotations({ identifier: "ObjectChange" })
export interface ObjectChange extends Schema.Schema.Type<typeof ObjectChange> {}

/** The difference between an AppSpec and what runs. `problems` would make the deployment be refused, `warnings` would not. */
export const Plan = Schema.Struct({
  /**
   * Deploy with it as `plan`, or in quotes as `If-Match`: it's 412 if something else would be applied by then. Null if the plan has problems, or
   * names an image whose digest isn't known.
   */
  id: Schema.NullOr(PlanId),
  /** The number of the newest deployment; null: there is none yet. */
  basedOn: Schema.NullOr(Schema.Int),
  app: AppName,
  stage: StageName,
  changes: Schema.Array(ServiceChange),
  problems: Schema.Array(Finding),
  warnings: Schema.Array(Finding),
  /** Changes of the platform's settings that haven't been rolled out yet to the current deployments. */
  platform: Schema.optionalWith(Schema.Array(PlatformChange), { default: () => [] }),
  /** Images by digest, by how the spec writes them; null: only the first instance finds out. */
  images: Schema.Record({ key: Schema.String, value: Schema.NullOr(Schema.String) }),
  /** The version of each secret, by name. One that the deployment makes has none yet. */
  secretVersions: Schema.Record({ key: Schema.String, value: Schema.Int }),
  /** What would be applied, if it was asked for. */
  manifests: Schema.NullOr(Schema.Array(PlannedManifest)),
  /** What the app's `manifests` do to objects. Patches are always listed; own objects only if they change. */
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

/** The outputs of an app's stage, by their names. */
export const Outputs = Schema.Record({ key: Schema.String, value: Schema.String }).annotations({
  identifier: "Outputs"
})
export type Outputs = typeof Outputs.Type
