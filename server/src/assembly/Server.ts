import { mkdir } from "node:fs/promises"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type { OrganizationName } from "@maxcloud/config-schema"
import { Context, Duration, Effect, Layer, Option, Redacted, type Scope } from "effect"
import { Database } from "../base/database/Database.ts"
import { asServer } from "../base/database/RowScope.ts"
import { errorText } from "../base/host/systemFault.ts"
import { faultLog } from "../base/node/faultLog.ts"
import { makeFront } from "../base/proxy/makeFront.ts"
import { ProxyCounters } from "../base/proxy/ProxyCounters.ts"
import { serverStarting } from "../base/proxy/problem.ts"
import { tunnelLimits } from "../base/proxy/tunnel.ts"
import { callsWithoutCredential, ServerConfig, type ServerSettings } from "../base/settings/ServerConfig.ts"
import { Metrics } from "../base/telemetry/Metrics.ts"
import { cannotListen, cannotStart, ServerError } from "../base/words/ServerError.ts"
import { ApiServer, serveApi } from "../edge/api/ApiServer.ts"
import * as authentication from "../edge/api/handlers/authentication.ts"
import { AccessMode } from "../edge/http/AccessMode.ts"
import { Draining } from "../edge/http/Draining.ts"
import { makeLocalOwner } from "../edge/local/LocalOwner.ts"
import { makeLocalToken } from "../edge/local/localToken.ts"
import { chooseRuntime } from "../runtimes/choose/runtimes.ts"
import type { Development } from "../runtimes/local/instances/processes/Development.ts"
import { LocalRoutes } from "../runtimes/port/LocalRoutes.ts"
import { Accounts } from "../tenancy/identity/Accounts.ts"
import { MailTransport } from "../tenancy/mail/Mail.ts"
import { Organizations } from "../tenancy/organizations/Organizations.ts"
import { identityLayer } from "./identityLayer.ts"
import { planRegistry, type RegistryRoutes, registryStarting, serveRegistry, withRegistry } from "./ownRegistry.ts"
import { registerServerMetrics } from "./serverMetrics.ts"
import { servicesLayer } from "./servicesLayer.ts"
import { surfaceLayer } from "./surfaceLayer.ts"

type FrontLookup = Parameters<typeof makeFront>[0]["lookup"]

export interface ServerOptions {
  /** The organization of requests without a credential. Created if it doesn't exist. @default "local" */
  readonly organization?: OrganizationName | undefined
  /**
   * In the process of `maxcloud dev`: variables of the developer's own environment for programs that run in place.
   * @default none
   */
  readonly development?: Development | undefined
}

export interface RunningServer {
  /** The API's URL, without a trailing slash. */
  readonly url: string
  readonly port: number
  /** In local mode: the token that the user's clients send. New at each start. */
  readonly localToken: Redacted.Redacted | undefined
  /** A one-time link that registers the first owner. It contains a secret. Set only while there are no accounts and requests need a credential. */
  readonly bootstrapUrl: string | undefined
  /** Fails if the server can't continue and must be stopped. */
  readonly failed: Effect.Effect<never, ServerError>
}

/** The organization of the server user's requests without a credential: the named one, or `local`. */
const localOrganization = ({ organization: name }: ServerOptions) =>
  Effect.gen(function* () {
    const organizations = yield* Organizations
    if (name === undefined) return yield* organizations.ensureLocal
    const found = yield* organizations.find(name)
    return Option.isSome(found) ? found.value : yield* organizations.create(name)
  })

const accessLayer = (
  settings: ServerSettings,
  options: ServerOptions,
  publicUrl: string,
  token: Redacted.Redacted | undefined
) =>
  Layer.effect(
    AccessMode,
    Effect.gen(function* () {
      const { name: mail } = yield* MailTransport
      return {
        local:
          token === undefined
            ? undefined
            : { organization: yield* asServer(localOrganization(options)), owner: makeLocalOwner(token) },
        verifiedOnly: mail !== "log",
        publicUrl,
        trustedProxies: settings.trustedProxies,
        openMetrics: settings.openMetrics,
        requestsPerMinute: settings.requestsPerMinute,
        streams: {
          perKey: settings.streamsPerKey,
          perAddress: settings.streamsPerAddress
        },
        pace: { graceSeconds: settings.graceSeconds, bytesPerSecond: settings.bytesPerSecond }
      }
    })
  )

/** The services below the API, besides `Services` itself. */
const apiLayer = (...access: Parameters<typeof accessLayer>) =>
  Layer.mergeAll(accessLayer(...access), authentication.layer, NodeHttpServer.layerContext)

/**
 * The whole server, for as long as the scope is open. It takes the port first, so a port in use fails the start before
 * anything else has started. Until the server is ready, API requests wait, and requests to services get 503 with
 * `Retry-After`. On shutdown it accepts no new connections, gives requests `drainTimeout` to finish, releases its
 * leases, and stops the instances, then the database.
 */
export const makeServer = (
  options: ServerOptions = {}
): Effect.Effect<RunningServer, ServerError, ServerConfig | Scope.Scope> =>
  Effect.gen(function* () {
    const settings = yield* ServerConfig
    const runtime = yield* Effect.mapError(
      chooseRuntime(settings),
      ({ message }) => new ServerError({ reason: "setting", message })
    )
    yield* makeDataDir(settings)
    const shell = yield* Layer.build(Layer.mergeAll(ApiServer.layer, Metrics.layer, Draining.layer))
    const draining = Context.get(shell, Draining)
    let lookup: FrontLookup = () => serverStarting
    let ofRegistry: RegistryRoutes = () => undefined
    const front = yield* Effect.acquireRelease(
      openFront(settings, {
        api: Context.get(shell, ApiServer).server,
        lookup: (host) => lookup(host),
        beside: (path, method) => ofRegistry(path, method)
      }),
      ({ close }) => Effect.promise(() => close(0))
    )
    const { port } = front.address
    const localToken = callsWithoutCredential(settings)
      ? yield* makeLocalToken(settings.dataDir, front.address)
      : undefined
    const url = urlOf(settings.host, port)
    const publicUrl = publicUrlOf(settings, port)
    const registry = yield* planRegistry(settings, runtime, publicUrl)
    if (registry !== undefined) ofRegistry = registryStarting
    const own = registry === undefined ? settings : withRegistry(settings, registry)
    const services = yield* Layer.build(
      apiLayer(settings, options, publicUrl, localToken).pipe(
        Layer.provideMerge(surfaceLayer),
        Layer.provideMerge(identityLayer(settings, publicUrl)),
        Layer.provideMerge(servicesLayer(own, port, runtime, options.development))
      )
    ).pipe(Effect.mapError(cannotStart))
    lookup = Context.get(services, LocalRoutes).lookup
    if (registry !== undefined) {
      ofRegistry = yield* Effect.provide(serveRegistry(settings.dataDir, registry), services)
    }
    const all = Context.merge(shell, services)
    yield* Effect.provide(registerServerMetrics(front.counters), all)
    yield* Effect.provide(serveApi, all)
    yield* Effect.addFinalizer(() =>
      Effect.andThen(
        draining.begin,
        Effect.promise(() => front.close(Duration.toMillis(settings.drainTimeout)))
      )
    )
    const token = yield* Effect.provide(bootstrapToken(settings), all)
    const { lost } = Context.get(services, Database)
    return {
      url,
      port,
      failed: Effect.mapError(lost, cannotStart),
      localToken,
      bootstrapUrl: token === undefined ? undefined : `${publicUrl}/auth/bootstrap?token=${Redacted.value(token)}`
    }
  })

const urlOf = (host: string, port: number) => `http://${host.includes(":") ? `[${host}]` : host}:${port}`

/** For a server without accounts on which every request needs one. */
const bootstrapToken = (settings: ServerSettings) =>
  callsWithoutCredential(settings)
    ? Effect.succeed(undefined)
    : Effect.flatMap(Accounts, (accounts) => accounts.bootstrapToken).pipe(Effect.mapError(cannotStart))

/** The API's URL for people. A server that listens on all addresses has no single one, so it's localhost. */
const publicUrlOf = ({ host, publicUrl }: ServerSettings, port: number) =>
  publicUrl ?? urlOf(/^(0\.0\.0\.0|::)$/.test(host) ? "localhost" : host, port)

const openFront = (
  settings: ServerSettings,
  parts: Pick<Parameters<typeof makeFront>[0], "api" | "beside" | "lookup">
) =>
  Effect.flatMap(faultLog("Couldn't forward a request to a service."), (onFault) => {
    const { domain = "localhost", host, port, tunnelIdleSeconds } = settings
    return Effect.tryPromise({
      try: () => {
        const counters = new ProxyCounters(onFault)
        return makeFront({
          host,
          port,
          ...parts,
          counters,
          server: (taken) => publicUrlOf(settings, taken),
          isApiHost: (name) => !name.endsWith(`.${domain}`),
          tunnels: tunnelLimits(tunnelIdleSeconds)
        })
      },
      catch: (cause) => cause
    })
  }).pipe(Effect.catchAll((cause) => cannotListen(settings.host, settings.port, cause)))

const makeDataDir = ({ dataDir }: ServerSettings) =>
  Effect.tryPromise({
    try: () => mkdir(dataDir, { recursive: true, mode: 0o700 }),
    catch: (cause) =>
      new ServerError({
        reason: "dataDir",
        message: `Couldn't create the data folder ${dataDir}. ${errorText(cause, dataDir)} Or choose another with --data-dir or MAXCLOUD_DATA_DIR`,
        cause
      })
  })
