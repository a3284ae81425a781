import { type AddressInfo, BlockList } from "node:net"
import { tmpdir } from "node:os"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { OrganizationName } from "@maxcloud/config-schema"
import { NotFound, OrganizationId, type ReadinessCheck } from "@maxcloud/sdk/api"
import { Effect, Layer, Logger, Option } from "effect"
import { Disk } from "../../src/base/disk/Disk.ts"
import { makeDiskWatch } from "../../src/base/disk/DiskWatch.ts"
import { Metrics } from "../../src/base/telemetry/Metrics.ts"
import type { Organization } from "../../src/base/words/Organization.ts"
import { Deployments } from "../../src/control/deployments/Deployments.ts"
import { Suspensions } from "../../src/control/deployments/suspension/Suspensions.ts"
import { DriftLog } from "../../src/control/drift/DriftLog.ts"
import { Privacy } from "../../src/control/privacy/Privacy.ts"
import { Services } from "../../src/control/services/Services.ts"
import { Usage } from "../../src/control/usage/Usage.ts"
import { ApiServer, serveApi } from "../../src/edge/api/ApiServer.ts"
import * as authentication from "../../src/edge/api/handlers/authentication.ts"
import { defaultSessionLimits, type Limits, SessionLimits } from "../../src/edge/exec/SessionLimits.ts"
import { AccessMode } from "../../src/edge/http/AccessMode.ts"
import { Draining } from "../../src/edge/http/Draining.ts"
import type { Pace } from "../../src/edge/http/pace.ts"
import { type LocalOwner, makeLocalOwner } from "../../src/edge/local/LocalOwner.ts"
import { Readiness } from "../../src/operator/readiness/Readiness.ts"
import { NetworkVerifier } from "../../src/runtimes/port/NetworkVerifier.ts"
import { Platform } from "../../src/runtimes/port/Platform.ts"
import { Runtime } from "../../src/runtimes/port/Runtime.ts"
import { RegistryCredentials } from "../../src/stores/images/credentials/RegistryCredentials.ts"
import { layerNone as anyLogin } from "../../src/stores/images/credentials/RegistryLogins.ts"
import { RegistryTokens } from "../../src/stores/registry/RegistryTokens.ts"
import { Secrets } from "../../src/stores/secrets/Secrets.ts"
import { SourceStore } from "../../src/stores/sources/SourceStore.ts"
import { Audit } from "../../src/tenancy/audit/Audit.ts"
import { Events } from "../../src/tenancy/events/Events.ts"
import { Accounts, Devices, Sessions } from "../../src/tenancy/identity/Accounts.ts"
import { ApiKeys } from "../../src/tenancy/identity/keys/ApiKeys.ts"
import { Authenticator } from "../../src/tenancy/identity/keys/Authenticator.ts"
import { OidcTrusts } from "../../src/tenancy/identity/keys/OidcTrusts.ts"
import { Invites, Members } from "../../src/tenancy/identity/Members.ts"
import { Places } from "../../src/tenancy/identity/Places.ts"
import { newToken } from "../../src/tenancy/identity/tokens.ts"
import { unlimited } from "../../src/tenancy/limits/defaultQuotas.ts"
import type { StreamLimits } from "../../src/tenancy/limits/OpenStreams.ts"
import { Quotas } from "../../src/tenancy/limits/Quotas.ts"
import { RateLimits } from "../../src/tenancy/limits/RateLimits.ts"
import { Policies } from "../../src/tenancy/policies/Policies.ts"
import { KeptAnswers } from "../../src/tenancy/repeats/KeptAnswers.ts"
import { Webhooks } from "../../src/tenancy/webhooks/Webhooks.ts"

export const testOrganization: Organization = {
  id: OrganizationId.make(`org_${"0".repeat(31)}1`),
  name: OrganizationName.make("local")
}

const noService = (id: string) =>
  new NotFound({ resource: "service", resourceName: id, detail: `there is no service ${id}` })

/** Empty stand-ins for everything below the handlers. A test replaces what it needs. */
export const emptyServices: typeof Services.Service = {
  page: () => Effect.succeed({ items: [], next: null }),
  get: (_, id) => Effect.fail(noService(id)),
  pause: (_, id) => Effect.fail(noService(id)),
  resume: (_, id) => Effect.fail(noService(id)),
  restart: (_, id) => Effect.fail(noService(id)),
  exec: (_, id) => Effect.fail(noService(id)),
  openPort: (_, id) => Effect.fail(noService(id)),
  revisions: (_, id) => Effect.fail(noService(id)),
  isLogCursor: () => false,
  logs: (_, id) => Effect.fail(noService(id))
}

export const { token: testLocalToken } = newToken("local", "server00")

export interface TestApiOptions {
  readonly services?: Partial<typeof Services.Service>
  readonly deployments?: Partial<typeof Deployments.Service>
  readonly secrets?: Partial<typeof Secrets.Service>
  readonly events?: Partial<typeof Events.Service>
  readonly policies?: Partial<typeof Policies.Service>
  readonly webhooks?: Partial<typeof Webhooks.Service>
  readonly sources?: Partial<typeof SourceStore.Service>
  readonly drift?: Partial<typeof DriftLog.Service>
  readonly suspensions?: Partial<typeof Suspensions.Service>
  readonly usage?: Partial<typeof Usage.Service>
  readonly registries?: Partial<typeof RegistryCredentials.Service>
  readonly platform?: Partial<Platform["Type"]>
  readonly network?: Partial<typeof NetworkVerifier.Service>
  readonly authenticator?: Partial<typeof Authenticator.Service>
  readonly places?: Partial<typeof Places.Service>
  readonly rateLimits?: Partial<typeof RateLimits.Service>
  readonly audit?: Partial<typeof Audit.Service>
  readonly accounts?: Partial<typeof Accounts.Service>
  readonly devices?: Partial<typeof Devices.Service>
  readonly sessions?: Partial<typeof Sessions.Service>
  readonly members?: Partial<typeof Members.Service>
  readonly invites?: Partial<typeof Invites.Service>
  readonly apiKeys?: Partial<typeof ApiKeys.Service>
  readonly oidcTrusts?: Partial<typeof OidcTrusts.Service>
  readonly privacy?: Partial<typeof Privacy.Service>
  /** The server's own user. @default the user of this process, and holders of `testLocalToken` */
  readonly owner?: LocalOwner
  readonly openMetrics?: boolean
  readonly registryTokens?: Partial<typeof RegistryTokens.Service>
  readonly checks?: ReadonlyArray<ReadinessCheck>
  readonly streams?: Partial<StreamLimits>
  readonly streamQuota?: number
  readonly pace?: Partial<Pace>
  /** Of `exec` and `port-forward`. */
  readonly sessionLimits?: Partial<Limits>
  /** Receives the log. */
  readonly onLog?: (line: string) => void
}

/** The API on a free loopback port, over these stand-ins; returns its URL. */
export const testApi = (options: TestApiOptions = {}) =>
  Effect.gen(function* () {
    yield* serveApi
    const { server } = yield* ApiServer
    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.async<void>((resume) => {
          server.closeAllConnections()
          server.close(() => resume(Effect.void))
        })
    )
    const draining = yield* Draining
    return { url: `http://127.0.0.1:${portOf(server.address())}`, draining, server }
  }).pipe(
    Effect.provide(
      Layer.mergeAll(
        ApiServer.layer,
        Metrics.layer,
        Draining.layer,
        NodeHttpServer.layerContext,
        authentication.layer,
        Layer.succeed(AccessMode, {
          local: { organization: testOrganization, owner: options.owner ?? makeLocalOwner(testLocalToken) },
          verifiedOnly: false,
          publicUrl: "http://localhost",
          trustedProxies: new BlockList(),
          openMetrics: options.openMetrics ?? true,
          requestsPerMinute: 1200,
          streams: { perKey: 100, perAddress: 100, ...options.streams },
          pace: { graceSeconds: 20, bytesPerSecond: 1024, ...options.pace }
        }),
        Layer.succeed(SessionLimits, { ...defaultSessionLimits, ...options.sessionLimits }),
        Layer.mock(RegistryTokens, {
          service: "registry.example.com",
          configured: undefined,
          ...options.registryTokens
        }),
        Layer.mock(Authenticator, options.authenticator ?? {}),
        Layer.mock(Places, options.places ?? {}),
        Layer.succeed(RateLimits, {
          take: (limit) => Effect.succeed({ limit, remaining: limit.quota, resetSeconds: 0 }),
          ...options.rateLimits
        }),
        Layer.mock(Audit, { append: () => Effect.void, ...options.audit }),
        Layer.mock(Accounts, options.accounts ?? {}),
        Layer.mock(Devices, options.devices ?? {}),
        Layer.mock(Sessions, {
          describe: () => Effect.succeed({ name: null, expiresAt: null }),
          ...options.sessions
        }),
        Layer.mock(Members, options.members ?? {}),
        Layer.mock(Invites, options.invites ?? {}),
        Layer.mock(ApiKeys, options.apiKeys ?? {}),
        Layer.mock(OidcTrusts, options.oidcTrusts ?? {}),
        Layer.mock(Privacy, options.privacy ?? {}),
        Layer.succeed(Services, { ...emptyServices, ...options.services }),
        Layer.mock(Deployments, options.deployments ?? {}),
        Layer.mock(Secrets, { page: () => Effect.succeed({ items: [], next: null }), ...options.secrets }),
        Layer.mock(SourceStore, { find: () => Effect.succeed(Option.none()), ...options.sources }),
        // Stores nothing: each request is carried out.
        Layer.succeed(KeptAnswers, {
          once: (_, carryOut) => Effect.map(carryOut, ({ value }) => ({ _tag: "now", value, again: false }))
        }),
        Layer.mock(Quotas, { of: () => Effect.succeed({ ...unlimited, streams: options.streamQuota ?? null }) }),
        Layer.mock(Policies, options.policies ?? {}),
        Layer.mock(Webhooks, options.webhooks ?? {}),
        Layer.mock(Events, options.events ?? {}),
        Layer.mock(DriftLog, options.drift ?? {}),
        Layer.mock(Suspensions, options.suspensions ?? {}),
        Layer.mock(Usage, options.usage ?? {}),
        Layer.mock(RegistryCredentials, options.registries ?? {}),
        anyLogin,
        Layer.succeed(Platform, {
          namespacePrefix: "",
          domain: "localhost",
          scheme: "http",
          port: undefined,
          podSecurity: "baseline",
          runtimeClass: undefined,
          ...options.platform
        }),
        Layer.succeed(Readiness, { checks: Effect.succeed(options.checks ?? []) }),
        Layer.succeed(
          Disk,
          makeDiskWatch({ folders: [{ name: "the test's folder", path: tmpdir() }], minFreeBytes: 0 })
        ),
        Layer.mock(NetworkVerifier, options.network ?? {}),
        Layer.mock(Runtime, {
          name: "local",
          inPlace: false,
          repairs: false,
          limitations: () => [],
          announce: undefined,
          isLogCursor: () => false,
          initialScale: undefined
        }),
        Logger.replace(
          Logger.defaultLogger,
          Logger.map(Logger.stringLogger, (line) => options.onLog?.(line))
        )
      )
    )
  )

const portOf = (address: AddressInfo | string | null) =>
  typeof address === "object" && address !== null ? address.port : 0
