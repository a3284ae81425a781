import { mkdir } from "node:fs/promises"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type { OrganizationName } from "@maxcloud/config-schema"
import { Context, Duration, Effect, Layer, Option, type Scope } from "effect"
import { ApiServer, serveApi } from "./http/ApiServer.ts"
import { layerLocal, layerOf } from "./http/authentication.ts"
import { Draining } from "./http/Draining.ts"
import { Organizations } from "./organizations/Organizations.ts"
import { LocalRoutes } from "./runtime/local/LocalRoutes.ts"
import { makeFront } from "./runtime/local/proxy/makeFront.ts"
import type { Lookup } from "./runtime/local/proxy/Route.ts"
import { ServerConfig, type ServerSettings } from "./ServerConfig.ts"
import { cannotListen, cannotStart, ServerError } from "./ServerError.ts"
import { servicesLayer } from "./servicesLayer.ts"
import { surfaceLayer } from "./surfaceLayer.ts"
import { Metrics } from "./telemetry/Metrics.ts"
import { registerServerMetrics } from "./telemetry/serverMetrics.ts"

export interface ServerOptions {
  /** The organization that requests act for; made where there is none. @default "local" */
  readonly organization?: OrganizationName | undefined
}

export interface RunningServer {
  /** Of the API, without a slash at its end. */
  readonly url: string
  readonly port: number
}

const findOrCreate = (name: OrganizationName) =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const organizations = yield* Organizations
      const found = yield* organizations.find(name)
      return layerOf(Option.isSome(found) ? found.value : yield* organizations.create(name))
    })
  )

/** What the API stands on, besides the services. */
const apiLayer = ({ organization }: ServerOptions) =>
  Layer.mergeAll(organization === undefined ? layerLocal : findOrCreate(organization), NodeHttpServer.layerContext)

/**
 * The whole server, for as long as the scope is open. The port is taken first: whether it is free is known before anything is
 * started, and requests that come too early are told so. At the end no connection is taken any more, requests get
 * `drainTimeout` to end, work that is under way is given back, instances end, and then the database.
 */
export const makeServer = (
  options: ServerOptions = {}
): Effect.Effect<RunningServer, ServerError, ServerConfig | Scope.Scope> =>
  Effect.gen(function* () {
    const settings = yield* ServerConfig
    yield* makeDataDir(settings)
    const shell = yield* Layer.build(Layer.mergeAll(ApiServer.layer, Metrics.layer, Draining.layer))
    const draining = Context.get(shell, Draining)
    let lookup: Lookup = () => undefined
    const front = yield* Effect.acquireRelease(
      openFront(settings, Context.get(shell, ApiServer), (host) => lookup(host)),
      ({ close }) => Effect.promise(() => close(0))
    )
    const { port } = front.address
    const services = yield* Layer.build(
      apiLayer(options).pipe(Layer.provideMerge(surfaceLayer), Layer.provideMerge(servicesLayer(settings, port)))
    ).pipe(Effect.mapError(cannotStart))
    lookup = Context.get(services, LocalRoutes).lookup
    const all = Context.merge(shell, services)
    yield* Effect.provide(registerServerMetrics(front.counters), all)
    yield* Effect.provide(serveApi, all)
    yield* Effect.addFinalizer(() =>
      Effect.andThen(
        draining.begin,
        Effect.promise(() => front.close(Duration.toMillis(settings.drainTimeout)))
      )
    )
    return { url: `http://${settings.host.includes(":") ? `[${settings.host}]` : settings.host}:${port}`, port }
  })

const openFront = (
  { domain = "localhost", host, port }: ServerSettings,
  api: Context.Tag.Service<typeof ApiServer>,
  lookup: Lookup
) =>
  Effect.tryPromise({
    try: () => makeFront({ host, port, api, lookup, isApiHost: (name) => !name.endsWith(`.${domain}`) }),
    catch: (cause) => cause
  }).pipe(Effect.catchAll((cause) => cannotListen(host, port, cause)))

const makeDataDir = ({ dataDir }: ServerSettings) =>
  Effect.tryPromise({
    try: () => mkdir(dataDir, { recursive: true, mode: 0o700 }),
    catch: (cause) =>
      new ServerError({
        reason: "dataDir",
        message: `the data folder ${dataDir} cannot be made: ${cause instanceof Error ? cause.message : String(cause)}. Choose another with --data-dir or MAXCLOUD_DATA_DIR`,
        cause
      })
  })
