import { Context, Duration, Effect, Runtime as EffectRuntime, Layer, PubSub } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { endWithin } from "../../base/node/endWithin.ts"
import { Secrets } from "../../stores/secrets/Secrets.ts"
import { LocalRoutes } from "../port/LocalRoutes.ts"
import { type NamespaceKey, Runtime, type RuntimeError, type ServiceKey } from "../port/Runtime.ts"
import { makeRouteTable, publicHostOf } from "./activator/RouteTable.ts"
import { type LocalServices, makeLocalServices } from "./controller/LocalServices.ts"
import { makeObjectStore, type ObjectStore } from "./controller/ObjectStore.ts"
import { restoreServices } from "./controller/restoreServices.ts"
import { ScalingTime } from "./controller/ScalingTime.ts"
import { makeServiceController, type ServiceController } from "./controller/ServiceController.ts"
import { makeStartLimiter } from "./controller/StartLimiter.ts"
import { defaultSettle, type SettleBounds } from "./controller/settling.ts"
import { makeTicker, type Ticker } from "./controller/Ticker.ts"
import { Instances } from "./instances/Instance.ts"
import { makeLives } from "./lives.ts"
import { localOrganization, makeRefusal } from "./localRefusals.ts"
import { makeLocalRoutes } from "./localRoutes.ts"
import { makeLocalRunner } from "./localRunner.ts"
import { LogStore } from "./logs/LogStore.ts"
import { LocalObjects } from "./objects/LocalObjects.ts"
import { type BackoffConfig, defaultBackoff } from "./revisions/backoff.ts"
import { isExported } from "./revisions/isExported.ts"
import { type Links, makeLinks, type OpenLink } from "./revisions/Links.ts"
import { runtimeOf } from "./runtimeOf.ts"

export interface LocalRuntimeOptions {
  /** Domain, scheme and port of public URLs. */
  readonly domain: string
  readonly scheme: "http" | "https"
  readonly port: number | undefined
  /** May sources run in place from a folder (`maxcloud dev`)? */
  readonly inPlace: boolean
  readonly openLink: OpenLink
  /** The organization whose sources may run as processes of this machine. @default the organization `local` */
  readonly mayRunProcesses?: (key: NamespaceKey) => boolean
  /** How many services may have their first start at once. @default 4 */
  readonly firstStarts?: number
  readonly backoff?: BackoffConfig
  readonly settle?: SettleBounds
}

const hostIn = ({ domain, port }: LocalRuntimeOptions, key: ServiceKey) =>
  `${publicHostOf(key, domain)}${port === undefined ? "" : `:${port}`}`

const make = (options: LocalRuntimeOptions) =>
  Effect.gen(function* () {
    const instances = yield* Instances
    const logs = yield* LogStore
    const objects = yield* LocalObjects
    const secrets = yield* Secrets
    const fork = EffectRuntime.runFork(yield* Effect.runtime<never>())
    const changes = yield* PubSub.unbounded<ServiceKey>()
    const lives = yield* makeLives
    const { backoff = defaultBackoff, inPlace, settle = defaultSettle } = options
    const mayRunProcesses = options.mayRunProcesses ?? ((key: NamespaceKey) => key.organization === localOrganization)

    const ticker = makeTicker(yield* ScalingTime)
    const limiter = makeStartLimiter(options.firstStarts ?? 4)
    const store = makeObjectStore(objects, fork)
    const table = makeRouteTable(options.domain)
    const { onColdStart, routes } = makeLocalRoutes(table.lookup, () => services.all())
    const links = makeLinks({
      open: options.openLink,
      containerHost: instances.containerHost,
      routeOf: (callee) => services.find(callee)?.route,
      mayCall: (caller, callee) => isExported(services.find(caller)?.object(), services.find(callee)?.object()),
      portOf: (callee, network) => services.find(callee)?.object().record.linkPorts[network],
      onPort: (callee, network, port) => services.find(callee)?.setLinkPort(network, port)
    })

    const hostOf = (key: ServiceKey) => hostIn(options, key)
    const makeRunner = makeLocalRunner({
      instances,
      lives,
      logs,
      secrets,
      links,
      fork,
      backoff,
      ownsMachine: mayRunProcesses,
      hostOf
    })

    const makeController = (object: Parameters<typeof makeServiceController>[0]["object"]): ServiceController =>
      makeServiceController({
        object,
        ticker,
        limiter,
        settle,
        now: () => performance.now(),
        makeRunner,
        onColdStart,
        onStatus: (controller) => {
          store.later(controller)
          fork(PubSub.publish(changes, controller.object().key))
        }
      })

    const refusalOf = makeRefusal(mayRunProcesses, inPlace, instances.standInOf)
    const services = makeLocalServices({
      store,
      table,
      links,
      makeController,
      mayRun: (key, { created }) => (created === undefined ? undefined : refusalOf(key, created.template.program)),
      isWhole: ({ organizationId }, { template: { command, program } }) =>
        instances.isWhole({ organizationId, command, program }),
      onRemoved: (key) => logs.remove(key),
      onEmptied: instances.removeNamespace
    })

    yield* Effect.addFinalizer(() => endAll({ store, ticker, services, links, changes }))

    const ended = yield* instances.clean
    if (ended > 0) yield* Effect.logInfo(`Stopped ${ended} instances of an earlier run`)
    yield* restoreServices(yield* objects.all, services, makeController, refusalOf)

    const urlOf = (key: ServiceKey) => `${options.scheme}://${hostOf(key)}`
    const runtime = runtimeOf({ services, instances, lives, logs, refusalOf, urlOf, inPlace, changes })
    return { runtime, routes }
  })

/** The longest `grace` for which a server that stops waits: a service's own may be an hour. The next start ends what still runs. */
const longestGraceMs = 30_000

/** Stops all services and their instances, and waits as long as their programs may take, within bounds. */
const endAll = (input: {
  readonly store: ObjectStore
  readonly ticker: Ticker
  readonly services: LocalServices
  readonly links: Links
  readonly changes: PubSub.PubSub<ServiceKey>
}) =>
  Effect.gen(function* () {
    const { changes, links, services, store, ticker } = input
    yield* store.close
    ticker.stop()
    const all = [...services.all()]
    const graceMs = Math.min(longestGraceMs, Math.max(0, ...all.map((each) => each.graceMs())))
    // Their open requests have had `MAXCLOUD_DRAIN_SECONDS` already.
    yield* Effect.promise(() => Promise.all(all.map((each) => each.stop("now", "the server is stopping")))).pipe(
      // A build may still be running: the sources end it only after this.
      endWithin(Duration.millis(graceMs + 5000))
    )
    yield* Effect.promise(() => links.closeAll())
    yield* PubSub.shutdown(changes)
  })

/** A small Knative in one process: `Runtime` on processes and containers of this machine, with the routes to them. */
export const layer = (
  options: LocalRuntimeOptions
): Layer.Layer<Runtime | LocalRoutes, RuntimeError, Instances | LogStore | LocalObjects | Secrets> =>
  Layer.scopedContext(
    // The instances, checks and autoscaler that it starts itself serve all organizations.
    Effect.map(asServer(make(options)), ({ routes, runtime }) =>
      Context.make(Runtime, runtime).pipe(Context.add(LocalRoutes, routes))
    )
  )
