import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { AppName, SecretName, ServiceName, SourceDigest, StageName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { Authentication } from "./authentication.ts"
import { AppStageList, Deployment, DeploymentList, Plan } from "./deployment.ts"
import { DriftList } from "./drift.ts"
import {
  Conflict,
  InternalError,
  InvalidRequest,
  InvalidSpec,
  NotFound,
  PayloadTooLarge,
  QuotaExceeded,
  RequestHeaderFieldsTooLarge,
  RequestTimeout,
  Unavailable
} from "./errors.ts"
import { DeploymentId, ServiceId } from "./ids.ts"
import { knownKeysOnly } from "./knownKeysOnly.ts"
import { LogParameters } from "./logs.ts"
import { NetworkReport } from "./network.ts"
import { RegistryHost, RegistryInfo, RegistryList, RegistryLogin } from "./registries.ts"
import { SecretInfo, SecretList, SecretValue } from "./secrets.ts"
import { CreateService, RevisionList, Service, ServiceList } from "./service.ts"
import { UsageParameters, UsageReport } from "./usage.ts"

const EventStream = HttpApiSchema.Text({ contentType: "text/event-stream" })
const describe = (summary: string, description: string) => OpenApi.annotations({ summary, description })
const stagePath = Schema.Struct({ app: AppName, stage: StageName })

/** The AppSpec travels as plain data and is parsed by the server, so that every issue is told with its path. */
const SpecPayload = Schema.Struct({ spec: Schema.Unknown }).annotations(knownKeysOnly)

const DeployPayload = Schema.Struct({
  ...SpecPayload.fields,
  /** Take fields that another manager of the cluster's objects holds (server-side apply's `force`). */
  forceConflicts: Schema.optionalWith(Schema.Boolean, { default: () => false })
}).annotations(knownKeysOnly)

export class HealthGroup extends HttpApiGroup.make("health", { topLevel: true }).add(
  HttpApiEndpoint.get("healthz", "/healthz")
    .annotateContext(describe("Health", "Answers as soon as the server takes requests; needs no credential."))
    .addSuccess(Schema.Struct({ status: Schema.Literal("ok") }))
) {}

export class InfoGroup extends HttpApiGroup.make("info")
  .add(
    HttpApiEndpoint.get("get", "/api/v1/info")
      .annotateContext(
        describe("About this server", "Version, runtime, and the organization that the credential belongs to.")
      )
      .addSuccess(
        Schema.Struct({
          version: Schema.String,
          runtime: Schema.Literal("local", "kubernetes"),
          organization: Schema.String,
          /** May services run in place from a folder (`maxcloud dev`)? */
          inPlace: Schema.Boolean
        }).annotations({ identifier: "ServerInfo" })
      )
  )
  .middleware(Authentication) {}

export class ServicesGroup extends HttpApiGroup.make("services")
  .add(
    HttpApiEndpoint.post("create", "/")
      .annotateContext(
        describe(
          "Create a service from an image",
          "Makes an app of this one service in the stage `production`, and deploys it. 409 where a service of that name exists."
        )
      )
      .setPayload(CreateService)
      .addSuccess(Service, { status: 201 })
      .addError(Conflict)
      .addError(InvalidSpec)
      .addError(QuotaExceeded)
  )
  .add(
    HttpApiEndpoint.get("list", "/")
      .annotateContext(
        describe(
          "List services",
          "Every service of the organization, by name, then stage; narrowed by `app`, `stage` and `name`."
        )
      )
      .setUrlParams(
        Schema.Struct({
          app: Schema.optional(AppName),
          stage: Schema.optional(StageName),
          name: Schema.optional(ServiceName)
        })
      )
      .addSuccess(ServiceList)
  )
  .add(
    HttpApiEndpoint.get("get", "/:id")
      .annotateContext(describe("Get a service", "The service as it is: state, conditions, revisions, traffic, URL."))
      .setPath(Schema.Struct({ id: ServiceId }))
      .addSuccess(Service)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.del("delete", "/:id")
      .annotateContext(
        describe(
          "Delete a service",
          "Deploys the app without this service; answers with that deployment. 422 where another service of the app links to it."
        )
      )
      .setPath(Schema.Struct({ id: ServiceId }))
      .addSuccess(Deployment, { status: 202 })
      .addError(NotFound)
      .addError(InvalidSpec)
  )
  .add(
    HttpApiEndpoint.post("pause", "/:id/pause")
      .annotateContext(
        describe(
          "Pause a service",
          "Its instances end and its requests are answered 503, until it is resumed: deployments change it, but do not start it. Once more does nothing."
        )
      )
      .setPath(Schema.Struct({ id: ServiceId }))
      .addSuccess(Service)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.post("resume", "/:id/resume")
      .annotateContext(describe("Resume a service", "Ends a pause. Once more does nothing."))
      .setPath(Schema.Struct({ id: ServiceId }))
      .addSuccess(Service)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.get("revisions", "/:id/revisions")
      .annotateContext(describe("List the revisions of a service", "Newest first."))
      .setPath(Schema.Struct({ id: ServiceId }))
      .addSuccess(RevisionList)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.get("logs", "/:id/logs")
      .annotateContext(
        describe(
          "Read the logs of a service",
          "Server-sent events: `event: log` with a `LogEntry` as data and its cursor as id; a comment every 10 seconds; `event: end` after the last line unless `follow=true`. A fault after the first byte comes as `event: error` with a problem document. To resume without a lost or doubled line, send the last id as `Last-Event-ID`."
        )
      )
      .setPath(Schema.Struct({ id: ServiceId }))
      .setUrlParams(LogParameters)
      .setHeaders(Schema.Struct({ "last-event-id": Schema.optional(Schema.String) }))
      .addSuccess(EventStream)
      .addError(NotFound)
  )
  .middleware(Authentication)
  .prefix("/api/v1/services") {}

export class AppsGroup extends HttpApiGroup.make("apps")
  .add(
    HttpApiEndpoint.get("list", "/")
      .annotateContext(describe("List apps and stages", "Each with its newest deployment."))
      .addSuccess(AppStageList)
  )
  .add(
    HttpApiEndpoint.post("plan", "/:app/stages/:stage/plan")
      .annotateContext(
        describe(
          "Plan a deployment",
          "What deploying this AppSpec would change, field by field, without doing it. 422 only where it cannot be read."
        )
      )
      .setPath(stagePath)
      .setPayload(SpecPayload)
      .addSuccess(Plan)
      .addError(InvalidSpec)
  )
  .add(
    HttpApiEndpoint.post("deploy", "/:app/stages/:stage/deployments")
      .annotateContext(
        describe(
          "Deploy an app",
          "Accepts an AppSpec. When the answer comes, the deployment is durable and will be carried out. The same `Idempotency-Key` with the same spec gives the same deployment again; with another spec 409. `forceConflicts` takes fields that another manager has set in the cluster, which else fails the deployment."
        )
      )
      .setPath(stagePath)
      .setPayload(DeployPayload)
      .setHeaders(
        Schema.Struct({ "idempotency-key": Schema.optional(Schema.String.pipe(Schema.length({ min: 1, max: 200 }))) })
      )
      .addSuccess(Deployment, { status: 202 })
      .addError(Conflict)
      .addError(InvalidSpec)
      .addError(QuotaExceeded)
  )
  .add(
    HttpApiEndpoint.get("deployments", "/:app/stages/:stage/deployments")
      .annotateContext(describe("List the deployments of a stage", "Newest first, the last 100."))
      .setPath(stagePath)
      .addSuccess(DeploymentList)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.del("destroy", "/:app/stages/:stage")
      .annotateContext(
        describe("Destroy a stage of an app", "A deployment that removes every service of the app in this stage.")
      )
      .setPath(stagePath)
      .addSuccess(Deployment, { status: 202 })
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.get("secrets", "/:app/stages/:stage/secrets")
      .annotateContext(describe("List secrets", "Names and versions; no answer ever holds a value."))
      .setPath(stagePath)
      .addSuccess(SecretList)
  )
  .add(
    HttpApiEndpoint.put("setSecret", "/:app/stages/:stage/secrets/:name")
      .annotateContext(describe("Set a secret", "Adds a version. It takes effect with the next deployment."))
      .setPath(Schema.Struct({ ...stagePath.fields, name: SecretName }))
      .setPayload(SecretValue)
      .addSuccess(SecretInfo)
  )
  .add(
    HttpApiEndpoint.del("unsetSecret", "/:app/stages/:stage/secrets/:name")
      .annotateContext(describe("Unset a secret", "Deployments that hold a version of it keep it until they are gone."))
      .setPath(Schema.Struct({ ...stagePath.fields, name: SecretName }))
      .addSuccess(HttpApiSchema.NoContent)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.get("drift", "/:app/stages/:stage/drift")
      .annotateContext(
        describe(
          "List drift",
          "What others than max-cloud did to the objects of the app, newest first, the last 100: by which field manager, and when it was put right."
        )
      )
      .setPath(stagePath)
      .addSuccess(DriftList)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.post("verifyNetwork", "/:app/stages/:stage/network/verify")
      .annotateContext(
        describe(
          "Verify the network",
          "Probes from real pods what the network lets through, against what the config says. 422 where the runtime has no network of its own."
        )
      )
      .setPath(stagePath)
      .addSuccess(NetworkReport)
      .addError(NotFound)
      .addError(InvalidSpec)
  )
  .middleware(Authentication)
  .prefix("/api/v1/apps") {}

export class DeploymentsGroup extends HttpApiGroup.make("deployments")
  .add(
    HttpApiEndpoint.get("get", "/:id")
      .annotateContext(describe("Get a deployment", "Its state, and how each of its services fares."))
      .setPath(Schema.Struct({ id: DeploymentId }))
      .addSuccess(Deployment)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.get("events", "/:id/events")
      .annotateContext(
        describe(
          "Follow a deployment",
          "Server-sent events: `event: deployment` with a `DeploymentEvent` as data and its number as id, from the first on (or after `Last-Event-ID`); ends after the one of type `finished`. A comment every 10 seconds; a fault after the first byte comes as `event: error` with a problem document."
        )
      )
      .setPath(Schema.Struct({ id: DeploymentId }))
      .setHeaders(Schema.Struct({ "last-event-id": Schema.optional(Schema.String) }))
      .addSuccess(EventStream)
      .addError(NotFound)
  )
  .middleware(Authentication)
  .prefix("/api/v1/deployments") {}

const digestPath = Schema.Struct({ digest: SourceDigest })

export class SourcesGroup extends HttpApiGroup.make("sources")
  .add(
    HttpApiEndpoint.get("get", "/:digest")
      .annotateContext(describe("Find a source snapshot", "Tells whether the organization has uploaded it already."))
      .setPath(digestPath)
      .addSuccess(Schema.Struct({ digest: SourceDigest, bytes: Schema.Int }).annotations({ identifier: "SourceInfo" }))
      .addError(NotFound)
  )
  .add(
    /** The body is the snapshot: a gzipped tar whose content has this digest. 256 MiB at most. */
    HttpApiEndpoint.put("put", "/:digest")
      .annotateContext(
        describe(
          "Upload a source snapshot",
          "The body is a gzipped tar whose content has this digest, 256 MiB at most."
        )
      )
      .setPath(digestPath)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(PayloadTooLarge)
  )
  .middleware(Authentication)
  .prefix("/api/v1/sources") {}

export class UsageGroup extends HttpApiGroup.make("usage")
  .add(
    HttpApiEndpoint.get("read", "/api/v1/usage")
      .annotateContext(
        describe(
          "Read usage",
          "What the organization's instances have reserved between `since` (24 hours ago where it is left out) and `until` (now), by app, stage and service."
        )
      )
      .setUrlParams(UsageParameters)
      .addSuccess(UsageReport)
  )
  .middleware(Authentication) {}

const registryPath = Schema.Struct({ host: RegistryHost })

export class RegistriesGroup extends HttpApiGroup.make("registries")
  .add(
    HttpApiEndpoint.get("list", "/")
      .annotateContext(
        describe("List registries", "Those that credentials are kept of; no answer ever holds a password.")
      )
      .addSuccess(RegistryList)
  )
  .add(
    HttpApiEndpoint.put("login", "/:host")
      .annotateContext(
        describe(
          "Sign in to a registry",
          "Keeps credentials, sealed: images of this host are resolved and pulled with them."
        )
      )
      .setPath(registryPath)
      .setPayload(RegistryLogin)
      .addSuccess(RegistryInfo)
  )
  .add(
    HttpApiEndpoint.del("logout", "/:host")
      .annotateContext(describe("Sign out of a registry", "Forgets its credentials. What runs goes on."))
      .setPath(registryPath)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(NotFound)
  )
  .middleware(Authentication)
  .prefix("/api/v1/registries") {}

/** The contract, read by the server (handlers), the SDK (client) and `/api/openapi.json` (document). */
export class MaxCloudApi extends HttpApi.make("maxcloud")
  .add(HealthGroup)
  .add(InfoGroup)
  .add(ServicesGroup)
  .add(AppsGroup)
  .add(DeploymentsGroup)
  .add(SourcesGroup)
  .add(UsageGroup)
  .add(RegistriesGroup)
  .addError(InvalidRequest)
  .addError(RequestTimeout)
  .addError(RequestHeaderFieldsTooLarge)
  .addError(Unavailable)
  .addError(InternalError)
  .annotateContext(
    OpenApi.annotations({
      title: "max-cloud API",
      version: "1",
      description:
        "Deploy services from an AppSpec, follow them, read their logs. Errors are problem documents (RFC 9457)."
    })
  ) {}
