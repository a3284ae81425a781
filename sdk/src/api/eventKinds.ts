import { Schema } from "effect"
import { admins, readers } from "./endpoint.ts"
import {
  Amount,
  Count,
  exampleInstance,
  examplePlace,
  exampleWebhook,
  Instance,
  kind,
  observed,
  ofDeployment,
  ofDrift,
  ofKey,
  ofMember,
  ofSecret,
  ofService,
  ofSuspension,
  place
} from "./eventShapes.ts"
import { WebhookId } from "./ids.ts"

/** The events of an organization: one row each. */
export const eventKinds = {
  "deployment.accepted": ofDeployment("A deployment is stored and waits for its turn.", "Accepted"),
  "deployment.started": ofDeployment("The server started to process a deployment.", "Running"),
  "deployment.succeeded": ofDeployment("Every service of a deployment is ready.", "Succeeded"),
  "deployment.failed": ofDeployment("A deployment failed. `reason` says why.", "ServiceFailed"),
  "deployment.cancelled": ofDeployment("Somebody cancelled a deployment before it finished.", "Cancelled"),
  "deployment.superseded": ofDeployment("A newer deployment replaced one that hadn't finished.", "Superseded"),
  "service.ready": ofService("A service serves for the first time."),
  "service.degraded": ofService("The instances of a ready service fail now."),
  "service.recovered": ofService("A degraded service serves again."),
  "service.paused": ofService("Somebody paused a service. Its requests get 503."),
  "service.resumed": ofService("Somebody resumed a paused service."),
  "service.restarted": ofService("Somebody restarted a service. Its new instances may not be ready yet."),
  "service.deleted": ofService("A service was removed, with its instances."),
  "app.suspended": ofSuspension("Somebody suspended the repair of an app's objects, or changed the end of that."),
  "app.suspension-ended": ofSuspension("An app's suspension ended. `until` is its end."),
  "service.scaled": observed(
    "A service has another number of instances. Changes within seconds are one event, `from` the last reported number. `revision` is the newest ready one.",
    Schema.Struct({ revision: Schema.NullOr(Schema.String), from: Count, to: Count }),
    { revision: "web-00003", from: 1, to: 4 }
  ),
  "service.throttled": observed(
    "A service has as many instances as its `scale.max` allows, so further requests may wait. At most once in 10 minutes, and never if `scale.max` is 1 or equals `scale.min`.",
    Schema.Struct({ revision: Schema.String, reason: Schema.Literal("MaxInstances"), limit: Count }),
    { revision: "web-00003", reason: "MaxInstances" as const, limit: 10 }
  ),
  "instance.restarted": observed(
    "Programs of a service's instances ended on their own, `count` times, and are started again. The rest describes the last one: `reason` is `OutOfMemory`, `Failed` or `Exited` (exit code 0).",
    Schema.Struct({
      ...Instance,
      reason: Schema.Literal("OutOfMemory", "Failed", "Exited"),
      exitCode: Schema.NullOr(Schema.Int),
      count: Count
    }),
    { ...exampleInstance, reason: "Failed" as const, exitCode: 1, count: 2 }
  ),
  "instance.evicted": observed(
    "Kubernetes took `count` instances from their nodes: `Preempted` (by a pod of higher priority), `NodePressure` (memory or disk), `NodeDrained` (by the eviction API), `NodeTainted` or `NodeLost`. The local runtime evicts nothing.",
    Schema.Struct({
      ...Instance,
      reason: Schema.Literal("Preempted", "NodePressure", "NodeDrained", "NodeTainted", "NodeLost"),
      count: Count
    }),
    { ...exampleInstance, reason: "NodeDrained" as const, count: 1 }
  ),
  "image.pulled": observed(
    "A node, or this machine, pulled a service's image, `count` times. `milliseconds` is how long the slowest pull took. Images that are already there aren't pulled.",
    Schema.Struct({
      revision: Schema.String,
      image: Schema.String,
      digest: Schema.NullOr(Schema.String),
      milliseconds: Count,
      count: Count
    }),
    {
      revision: "web-00003",
      image: "registry.example.com/shop/web",
      digest: "sha256:6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b",
      milliseconds: 2150,
      count: 1
    }
  ),
  "drift.found": ofDrift(
    "Another person or program edited or deleted an app's objects in the cluster, `count` changes in all. The rest describes the last one.",
    "edited"
  ),
  "drift.healed": ofDrift("The server restored objects that others had edited or deleted.", "edited"),
  "quota.near": kind({
    description: "An accepted deployment uses at least 80 % of a quota. At most once in 24 hours for each quota.",
    roles: readers,
    data: Amount,
    example: { subject: "quotas/services", data: { quota: "services", used: 41, limit: 50 } }
  }),
  "quota.exceeded": kind({
    description: "A quota refused a deployment. At most once an hour for each app and stage.",
    roles: readers,
    data: Schema.Struct(place),
    example: { subject: "quotas/apps/shop/stages/production", data: examplePlace }
  }),
  "member.added": ofMember("Somebody became a member.", "deployer"),
  "member.removed": ofMember("Somebody is no longer a member. `role` is null.", null),
  "member.role-changed": ofMember("A member has another role now.", "admin"),
  "api-key.created": ofKey("An API key was created.", null),
  "api-key.rotated": ofKey(
    "An API key was replaced by another, and expires soon.",
    "key_0198f3d29c7b7e56b2c3d4e5f6a7b8c9"
  ),
  "api-key.deleted": ofKey("An API key was deleted, and is refused from now on.", null),
  "secret.set": ofSecret("A secret has a new version. Running services get it with their next deployment.", 3),
  "secret.unset": ofSecret("A secret was unset. `version` is null.", null),
  "webhook.test": kind({
    description: "Somebody tested a webhook. Only that webhook gets it.",
    roles: admins,
    data: Schema.Struct({ webhook: WebhookId }),
    example: { subject: `webhooks/${exampleWebhook}`, data: { webhook: exampleWebhook } }
  }),
  "webhook.disabled": kind({
    description:
      "A webhook was disabled, because it failed for days (`failing`) or its receiver responded with 410 (`gone`).",
    roles: admins,
    data: Schema.Struct({ webhook: WebhookId, because: Schema.Literal("failing", "gone") }),
    example: { subject: `webhooks/${exampleWebhook}`, data: { webhook: exampleWebhook, because: "failing" as const } }
  })
} as const

export type EventType = keyof typeof eventKinds

/** The `data` of a kind of event. */
export type EventData<T extends EventType> = Schema.Schema.Type<(typeof eventKinds)[T]["data"]>

export const isEventType = (type: string): type is EventType => Object.hasOwn(eventKinds, type)

/** Every kind, in the order of the reference. */
export const eventTypes: ReadonlyArray<EventType> = Object.keys(eventKinds).filter(isEventType)

/** The types that webhooks get only if they name them in full. */
export const frequentTypes: ReadonlyArray<EventType> = eventTypes.filter((type) => eventKinds[type].frequent === true)

/** Whether a pattern (`deployment.succeeded`, `deployment.*` or `*`) matches this type. */
export const matchesType = (pattern: string, type: string): boolean =>
  pattern === "*" || pattern === type || (pattern.endsWith(".*") && type.startsWith(pattern.slice(0, -1)))
