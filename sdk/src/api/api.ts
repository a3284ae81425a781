import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { AppName, bounds, SecretName, ServiceName, SourceDigest, StageName, textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { AuditList, AuditParameters } from "./audit.ts"
import {
  AcceptInvite,
  ApiKeyList,
  AuthStatus,
  CreateApiKey,
  CreateInvite,
  CreateOidcTrust,
  CreateOrganization,
  DeviceCodes,
  DevicePoll,
  DeviceProgress,
  DeviceStart,
  InviteInfo,
  InviteList,
  NewApiKey,
  OidcTrustInfo,
  OidcTrustList,
  Registration,
  RegistrationMailed,
  RotateApiKey,
  SessionGrant,
  SwitchOrganization,
  UserInfo,
  VerifyEmail
} from "./auth.ts"
import { Authentication } from "./authentication.ts"
import { AppStageList, Deployment, DeploymentList, Plan } from "./deployment.ts"
import { DriftList } from "./drift.ts"
import {
  Conflict,
  Forbidden,
  InsufficientStorage,
  InternalError,
  InvalidRequest,
  InvalidSpec,
  NotFound,
  NotReady,
  PayloadTooLarge,
  QuotaExceeded,
  RequestHeaderFieldsTooLarge,
  RequestTimeout,
  TooManyRequests,
  Unavailable
} from "./errors.ts"
import { ApiKeyId, DeploymentId, InviteId, OidcTrustId, ServiceId, UserId } from "./ids.ts"
import { knownKeysOnly } from "./knownKeysOnly.ts"
import { LogParameters } from "./logs.ts"
import { NetworkReport } from "./network.ts"
import {
  ChangeMember,
  DeleteOrganization,
  DeletionStatus,
  ErasureCertificate,
  MemberInfo,
  MemberList,
  OrganizationInfo
} from "./organization.ts"
import { Readiness } from "./readiness.ts"
import { RegistryHost, RegistryInfo, RegistryList, RegistryLogin } from "./registries.ts"
import { ImportSecrets, RollbackSecret, SecretInfo, SecretList, SecretValue, SecretVersionList } from "./secrets.ts"
import { CreateService, Restart, RevisionList, Service, ServiceList } from "./service.ts"
import { UsageParameters, UsageReport } from "./usage.ts"

const JsonLines = HttpApiSchema.Text({ contentType: "application/x-ndjson" })
const EventStream = HttpApiSchema.Text({ contentType: "text/event-stream" })
const describe = (summary: string, description: string) => OpenApi.annotations({ summary, description })
const LastEventId = Schema.Struct({ "last-event-id": Schema.optional(textUpTo(200, "The id")) })
const IdempotencyKey = Schema.Struct({
  "idempotency-key": Schema.optional(Schema.String.pipe(Schema.length({ min: 1, max: 200 })))
})
const stagePath = Schema.Struct({ app: AppName, stage: StageName })

/** The AppSpec travels as plain data and is parsed by the server, so that every issue is told with its path. */
const SpecPayload = Schema.Struct({
  spec: Schema.Unknown.annotations({
    description: `An AppSpec (docs/config.schema.json): up to ${bounds.services} services and ${bounds.values} values, ${bounds.depth} levels deep`
  })
}).annotations(knownKeysOnly)

const DeployPayload = Schema.Struct({
  ...SpecPayload.fields,
  /** Take fields that another manager of the cluster's objects holds (server-side apply's `force`). */
  forceConflicts: Schema.optionalWith(Schema.Boolean, { default: () => false })
}).annotations(knownKeysOnly)

export class HealthGroup extends HttpApiGroup.make("health", { topLevel: true })
  .add(
    HttpApiEndpoint.get("healthz", "/healthz")
      .annotateContext(
        describe("Health", "Answers as soon as the server takes requests, whatever else fails; needs no credential.")
      )
      .addSuccess(Schema.Struct({ status: Schema.Literal("ok") }))
  )
  .add(
    HttpApiEndpoint.get("readyz", "/readyz")
      .annotateContext(
        describe(
          "Readiness",
          "Can the server do all of its work? 503 with the failed checks if its database is away or its disk takes no more."
        )
      )
      .addSuccess(Readiness)
      .addError(NotReady)
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
          "Its instances end and its requests are answered 503, until it is resumed: deployments change it, but do not start it. Safe to repeat."
        )
      )
      .setPath(Schema.Struct({ id: ServiceId }))
      .addSuccess(Service)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.post("resume", "/:id/resume")
      .annotateContext(describe("Resume a service", "Ends a pause. Safe to repeat."))
      .setPath(Schema.Struct({ id: ServiceId }))
      .addSuccess(Service)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.post("restart", "/:id/restart")
      .annotateContext(
        describe(
          "Restart a service",
          "Starts new instances of the same program in a revision of its own, and ends the old ones when those are ready, so that no request fails. It is done when the service's `latestCreatedRevision` is another than `replaces` and ready. The last `Idempotency-Key` again changes nothing. 409 for a service that is paused or being deleted."
        )
      )
      .setPath(Schema.Struct({ id: ServiceId }))
      .setHeaders(IdempotencyKey)
      .addSuccess(Restart, { status: 202 })
      .addError(NotFound)
      .addError(Conflict)
  )
  .add(
    HttpApiEndpoint.get("exec", "/:id/exec")
      .annotateContext(
        describe(
          "Run a program in an instance of a service",
          "A WebSocket (RFC 6455) with the subprotocol `v1.exec.maxcloud.dev`; the credential is in the handshake's `Authorization`. The first message is an `ExecStart` as text. Then binary messages carry a byte for the channel (0 stdin, 1 stdout, 2 stderr) and what was written, and text messages are `ExecInput` and `ExecOutput`. The program ends with the connection. 409 where no instance runs and none can be started, 429 over ten sessions of the organization. Without a handshake: 400."
        )
      )
      .setPath(Schema.Struct({ id: ServiceId }))
      .addSuccess(HttpApiSchema.Empty(101))
      .addError(NotFound)
      .addError(Conflict)
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
      .setHeaders(LastEventId)
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
      .setHeaders(IdempotencyKey)
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
      .addError(Conflict)
  )
  .add(
    HttpApiEndpoint.del("unsetSecret", "/:app/stages/:stage/secrets/:name")
      .annotateContext(describe("Unset a secret", "Deployments that hold a version of it keep it until they are gone."))
      .setPath(Schema.Struct({ ...stagePath.fields, name: SecretName }))
      .addSuccess(HttpApiSchema.NoContent)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.post("importSecrets", "/:app/stages/:stage/secrets/import")
      .annotateContext(
        describe("Import secrets", "Adds a version of each, all or none. They take effect with the next deployment.")
      )
      .setPath(stagePath)
      .setPayload(ImportSecrets)
      .addSuccess(SecretList)
      .addError(Conflict)
  )
  .add(
    HttpApiEndpoint.get("secretVersions", "/:app/stages/:stage/secrets/:name/versions")
      .annotateContext(
        describe("List the versions of a secret", "Those that are still kept, newest first; without values.")
      )
      .setPath(Schema.Struct({ ...stagePath.fields, name: SecretName }))
      .addSuccess(SecretVersionList)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.post("rollbackSecret", "/:app/stages/:stage/secrets/:name/rollback")
      .annotateContext(
        describe("Roll a secret back", "Makes the value of an earlier version the newest one, as a new version.")
      )
      .setPath(Schema.Struct({ ...stagePath.fields, name: SecretName }))
      .setPayload(RollbackSecret)
      .addSuccess(SecretInfo)
      .addError(Conflict)
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
      .setHeaders(LastEventId)
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
      .addError(QuotaExceeded)
      .addError(PayloadTooLarge)
      .addError(InsufficientStorage)
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
          "Asks the registry whether it takes the credentials, as `docker login` does, and keeps them, sealed: images of this host are resolved and pulled with them, for this organization alone. 400: the registry refuses them. 503: it can't be reached. Nothing is kept then."
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

/** What needs no credential: how one is got. Limited by address and by account. */
export class SignInGroup extends HttpApiGroup.make("signIn")
  .add(
    HttpApiEndpoint.post("register", "/register")
      .annotateContext(
        describe(
          "Register",
          "Asks for an account, and an organization that it owns. 202: mail is on its way to the address. Its link makes both; where the address has an account already, the mail says how to sign in, and this answer is the same. 201, with a session at once: with a bootstrap token, and at servers whose mail goes to their own log."
        )
      )
      .setPayload(Registration)
      .addSuccess(SessionGrant, { status: 201 })
      .addSuccess(RegistrationMailed, { status: 202 })
      .addError(Conflict)
      .addError(Forbidden)
  )
  .add(
    HttpApiEndpoint.post("acceptInvite", "/accept-invite")
      .annotateContext(
        describe("Accept an invite", "Makes the account where there is none; the invite's mail proves its address.")
      )
      .setPayload(AcceptInvite)
      .addSuccess(SessionGrant, { status: 201 })
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.post("verify", "/verify")
      .annotateContext(
        describe(
          "Confirm an address",
          "By the token that was mailed. Makes the account where that was asked for by mail; 409: the organization's name was taken since."
        )
      )
      .setPayload(VerifyEmail)
      .addSuccess(UserInfo)
      .addError(Conflict)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.post("startDevice", "/device")
      .annotateContext(
        describe(
          "Begin a device authorization",
          "RFC 8628: show the user code, open the page, poll `POST /api/v1/auth/device/token`."
        )
      )
      .setPayload(DeviceStart)
      .addSuccess(DeviceCodes)
  )
  .add(
    HttpApiEndpoint.post("pollDevice", "/device/token")
      .annotateContext(describe("Poll a device authorization", "Gives the session once, when it was confirmed."))
      .setPayload(DevicePoll)
      .addSuccess(DeviceProgress)
  )
  .addError(TooManyRequests)
  .prefix("/api/v1/auth") {}

/** The caller's own credential, and those of the organization. */
export class AuthGroup extends HttpApiGroup.make("auth")
  .add(
    HttpApiEndpoint.get("status", "/status")
      .annotateContext(describe("Who calls", "The credential, its organization and role, and the person behind it."))
      .addSuccess(AuthStatus)
  )
  .add(
    HttpApiEndpoint.post("signOut", "/sign-out")
      .annotateContext(
        describe("Sign out", "Ends the session that the request is sent with. 403 for other credentials.")
      )
      .addSuccess(HttpApiSchema.NoContent)
  )
  .add(
    HttpApiEndpoint.post("switchOrganization", "/switch")
      .annotateContext(
        describe("Switch the organization", "A session for another organization that the person is a member of.")
      )
      .setPayload(SwitchOrganization)
      .addSuccess(SessionGrant, { status: 201 })
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.post("resendVerification", "/resend-verification")
      .annotateContext(describe("Send the mail once more", "That confirms the address of the signed-in person."))
      .addSuccess(HttpApiSchema.NoContent, { status: 202 })
  )
  .add(
    HttpApiEndpoint.get("apiKeys", "/api-keys")
      .annotateContext(describe("List API keys", "Newest first, without their secret parts."))
      .addSuccess(ApiKeyList)
  )
  .add(
    HttpApiEndpoint.post("createApiKey", "/api-keys")
      .annotateContext(
        describe(
          "Create an API key",
          "Its secret part is in this answer and nowhere else. It may do no more than its maker."
        )
      )
      .setPayload(CreateApiKey)
      .addSuccess(NewApiKey, { status: 201 })
  )
  .add(
    HttpApiEndpoint.post("rotateApiKey", "/api-keys/:id/rotate")
      .annotateContext(
        describe("Rotate an API key", "A new key of the same rights; the former one goes on for `overlapSeconds`.")
      )
      .setPath(Schema.Struct({ id: ApiKeyId }))
      .setPayload(RotateApiKey)
      .addSuccess(NewApiKey, { status: 201 })
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.del("deleteApiKey", "/api-keys/:id")
      .annotateContext(describe("Delete an API key", "It opens nothing from then on."))
      .setPath(Schema.Struct({ id: ApiKeyId }))
      .addSuccess(HttpApiSchema.NoContent)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.get("invites", "/invites")
      .annotateContext(describe("List invites", "Newest first."))
      .addSuccess(InviteList)
  )
  .add(
    HttpApiEndpoint.post("createInvite", "/invites")
      .annotateContext(
        describe("Invite somebody", "Sends a mail with a link. Nobody is invited to more than the inviter has.")
      )
      .setPayload(CreateInvite)
      .addSuccess(InviteInfo, { status: 201 })
      .addError(Conflict)
  )
  .add(
    HttpApiEndpoint.del("revokeInvite", "/invites/:id")
      .annotateContext(describe("Revoke an invite", "Its link opens nothing from then on."))
      .setPath(Schema.Struct({ id: InviteId }))
      .addSuccess(HttpApiSchema.NoContent)
      .addError(NotFound)
  )
  .add(
    HttpApiEndpoint.get("oidcTrusts", "/oidc-trusts")
      .annotateContext(describe("List OIDC trusts", "Whose tokens act for the organization, and as what."))
      .addSuccess(OidcTrustList)
  )
  .add(
    HttpApiEndpoint.post("createOidcTrust", "/oidc-trusts")
      .annotateContext(
        describe(
          "Trust an OIDC issuer",
          "Its tokens, for the audience `maxcloud/<organization>` and with these claims, act with this role and scopes: CI without a kept key."
        )
      )
      .setPayload(CreateOidcTrust)
      .addSuccess(OidcTrustInfo, { status: 201 })
      .addError(Conflict)
  )
  .add(
    HttpApiEndpoint.del("deleteOidcTrust", "/oidc-trusts/:id")
      .annotateContext(describe("End an OIDC trust", "Its tokens open nothing from then on."))
      .setPath(Schema.Struct({ id: OidcTrustId }))
      .addSuccess(HttpApiSchema.NoContent)
      .addError(NotFound)
  )
  .addError(Forbidden)
  .middleware(Authentication)
  .prefix("/api/v1/auth") {}

export class OrganizationGroup extends HttpApiGroup.make("organization")
  .add(
    HttpApiEndpoint.get("get", "/")
      .annotateContext(
        describe("The organization", "Its quotas, what counts against them, and whether it is to be deleted.")
      )
      .addSuccess(OrganizationInfo)
  )
  .add(
    HttpApiEndpoint.get("members", "/members")
      .annotateContext(describe("List members", "By e-mail address."))
      .addSuccess(MemberList)
  )
  .add(
    HttpApiEndpoint.patch("changeMember", "/members/:userId")
      .annotateContext(describe("Change a member's role", "409 where no owner would be left."))
      .setPath(Schema.Struct({ userId: UserId }))
      .setPayload(ChangeMember)
      .addSuccess(MemberInfo)
      .addError(NotFound)
      .addError(Conflict)
  )
  .add(
    HttpApiEndpoint.del("removeMember", "/members/:userId")
      .annotateContext(
        describe("Remove a member", "Ends the sessions and keys of the person here. 409 where no owner would be left.")
      )
      .setPath(Schema.Struct({ userId: UserId }))
      .addSuccess(HttpApiSchema.NoContent)
      .addError(NotFound)
      .addError(Conflict)
  )
  .add(
    HttpApiEndpoint.get("export", "/export")
      .annotateContext(
        describe(
          "Export the organization",
          "Everything that is kept of it, as lines of JSON (docs/privacy.md), without secret values."
        )
      )
      .addSuccess(JsonLines)
  )
  .add(
    HttpApiEndpoint.post("delete", "/deletion")
      .annotateContext(
        describe(
          "Delete the organization",
          "Its services end at once; after the grace period everything of it is erased."
        )
      )
      .setPayload(DeleteOrganization)
      .addSuccess(DeletionStatus, { status: 202 })
      .addError(Conflict)
  )
  .add(
    HttpApiEndpoint.del("cancelDeletion", "/deletion")
      .annotateContext(describe("Keep the organization", "Ends a deletion within its grace period."))
      .addSuccess(HttpApiSchema.NoContent)
      .addError(NotFound)
  )
  .addError(Forbidden)
  .middleware(Authentication)
  .prefix("/api/v1/organization") {}

/** What is kept of the signed-in person, whatever the organization. */
export class AccountGroup extends HttpApiGroup.make("account")
  .add(
    HttpApiEndpoint.post("createOrganization", "/organizations")
      .annotateContext(
        describe(
          "Create an organization",
          "The signed-in person owns it; the answer is a session for it. 403 where registration is by invite only."
        )
      )
      .setPayload(CreateOrganization)
      .addSuccess(SessionGrant, { status: 201 })
      .addError(Conflict)
  )
  .add(
    HttpApiEndpoint.get("export", "/export")
      .annotateContext(
        describe("Export the account", "Everything that is kept of the signed-in person, as lines of JSON.")
      )
      .addSuccess(JsonLines)
  )
  .add(
    HttpApiEndpoint.del("delete", "/")
      .annotateContext(
        describe(
          "Delete the account",
          "Erases the person in every store, at once. 409 where an organization would be left without an owner."
        )
      )
      .addSuccess(ErasureCertificate)
      .addError(Conflict)
  )
  .addError(Forbidden)
  .middleware(Authentication)
  .prefix("/api/v1/account") {}

/** Certificates of erasure are told to whoever has their id: there is no credential left that could ask. */
export class ErasuresGroup extends HttpApiGroup.make("erasures")
  .add(
    HttpApiEndpoint.get("get", "/api/v1/erasures/:id")
      .annotateContext(
        describe("Get a certificate of erasure", "By its id, which cannot be guessed. It holds no name.")
      )
      .setPath(Schema.Struct({ id: Schema.String.pipe(Schema.pattern(/^era_[0-9a-f]{32}$/)) }))
      .addSuccess(ErasureCertificate)
      .addError(NotFound)
  )
  .addError(TooManyRequests) {}

export class AuditGroup extends HttpApiGroup.make("audit")
  .add(
    HttpApiEndpoint.get("list", "/")
      .annotateContext(describe("List the audit log", "Newest first: each write, and each attempt that was refused."))
      .setUrlParams(AuditParameters)
      .addSuccess(AuditList)
  )
  .add(
    HttpApiEndpoint.get("export", "/export")
      .annotateContext(
        describe(
          "Export the audit log",
          "The whole hash chain as lines of JSON with signed checkpoints, which `maxcloud audit verify` checks offline."
        )
      )
      .addSuccess(JsonLines)
  )
  .middleware(Authentication)
  .prefix("/api/v1/audit") {}

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
  .add(SignInGroup)
  .add(AuthGroup)
  .add(OrganizationGroup)
  .add(AccountGroup)
  .add(ErasuresGroup)
  .add(AuditGroup)
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
