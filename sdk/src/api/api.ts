import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { AppName, SecretName, ServiceName, SourceDigest, StageName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { Authentication } from "./authentication.ts"
import { AppStageList, Deployment, DeploymentList, Plan } from "./deployment.ts"
import {
  Conflict,
  InternalError,
  InvalidRequest,
  InvalidSpec,
  NotFound,
  PayloadTooLarge,
  QuotaExceeded,
  Unavailable
} from "./errors.ts"
import { DeploymentId, ServiceId } from "./ids.ts"
import { LogParameters } from "./logs.ts"
import { SecretInfo, SecretList, SecretValue } from "./secrets.ts"
import { CreateService, RevisionList, Service, ServiceList } from "./service.ts"

const EventStream = HttpApiSchema.Text({ contentType: "text/event-stream" })
const stagePath = Schema.Struct({ app: AppName, stage: StageName })

/** The AppSpec travels as plain data and is parsed by the server, so that every issue is told with its path. */
const SpecPayload = Schema.Struct({ spec: Schema.Unknown })

export class HealthGroup extends HttpApiGroup.make("health", { topLevel: true }).add(
  HttpApiEndpoint.get("healthz", "/healthz").addSuccess(Schema.Struct({ status: Schema.Literal("ok") }))
) {}

export class InfoGroup extends HttpApiGroup.make("info")
  .add(
    HttpApiEndpoint.get("get", "/api/v1/info").addSuccess(
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
      .setPayload(CreateService)
      .addSuccess(Service, { status: 201 })
      .addError(Conflict)
      .addError(InvalidSpec)
      .addError(QuotaExceeded)
  )
  .add(
    HttpApiEndpoint.get("list", "/")
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
      .setPath(Schema.Struct({ id: ServiceId }))
      .addSuccess(Service)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.del("delete", "/:id")
      .setPath(Schema.Struct({ id: ServiceId }))
      .addSuccess(Deployment, { status: 202 })
      .addError(NotFound)
      .addError(InvalidSpec)
  )
  .add(
    HttpApiEndpoint.get("revisions", "/:id/revisions")
      .setPath(Schema.Struct({ id: ServiceId }))
      .addSuccess(RevisionList)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.get("logs", "/:id/logs")
      .setPath(Schema.Struct({ id: ServiceId }))
      .setUrlParams(LogParameters)
      .setHeaders(Schema.Struct({ "last-event-id": Schema.optional(Schema.String) }))
      .addSuccess(EventStream)
      .addError(NotFound)
  )
  .middleware(Authentication)
  .prefix("/api/v1/services") {}

export class AppsGroup extends HttpApiGroup.make("apps")
  .add(HttpApiEndpoint.get("list", "/").addSuccess(AppStageList))
  .add(
    HttpApiEndpoint.post("plan", "/:app/stages/:stage/plan")
      .setPath(stagePath)
      .setPayload(SpecPayload)
      .addSuccess(Plan)
      .addError(InvalidSpec)
  )
  .add(
    HttpApiEndpoint.post("deploy", "/:app/stages/:stage/deployments")
      .setPath(stagePath)
      .setPayload(SpecPayload)
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
      .setPath(stagePath)
      .addSuccess(DeploymentList)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.del("destroy", "/:app/stages/:stage")
      .setPath(stagePath)
      .addSuccess(Deployment, { status: 202 })
      .addError(NotFound)
  )
  .add(HttpApiEndpoint.get("secrets", "/:app/stages/:stage/secrets").setPath(stagePath).addSuccess(SecretList))
  .add(
    HttpApiEndpoint.put("setSecret", "/:app/stages/:stage/secrets/:name")
      .setPath(Schema.Struct({ ...stagePath.fields, name: SecretName }))
      .setPayload(SecretValue)
      .addSuccess(SecretInfo)
  )
  .add(
    HttpApiEndpoint.del("unsetSecret", "/:app/stages/:stage/secrets/:name")
      .setPath(Schema.Struct({ ...stagePath.fields, name: SecretName }))
      .addSuccess(HttpApiSchema.NoContent)
      .addError(NotFound)
  )
  .middleware(Authentication)
  .prefix("/api/v1/apps") {}

export class DeploymentsGroup extends HttpApiGroup.make("deployments")
  .add(
    HttpApiEndpoint.get("get", "/:id")
      .setPath(Schema.Struct({ id: DeploymentId }))
      .addSuccess(Deployment)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.get("events", "/:id/events")
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
      .setPath(digestPath)
      .addSuccess(Schema.Struct({ digest: SourceDigest, bytes: Schema.Int }).annotations({ identifier: "SourceInfo" }))
      .addError(NotFound)
  )
  .add(
    /** The body is the snapshot: a gzipped tar whose content has this digest. 256 MiB at most. */
    HttpApiEndpoint.put("put", "/:digest")
      .setPath(digestPath)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(PayloadTooLarge)
  )
  .middleware(Authentication)
  .prefix("/api/v1/sources") {}

/** The contract, read by the server (handlers), the SDK (client) and `/api/openapi.json` (document). */
export class MaxCloudApi extends HttpApi.make("maxcloud")
  .add(HealthGroup)
  .add(InfoGroup)
  .add(ServicesGroup)
  .add(AppsGroup)
  .add(DeploymentsGroup)
  .add(SourcesGroup)
  .addError(InvalidRequest)
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
