import { Context, Duration, Effect, Runtime as EffectRuntime, Layer, Option, PubSub, Stream } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { endWithin } from "../../base/node/endWithin.ts"
import { Secrets } from "../../stores/secrets/Secrets.ts"
import { LocalRoutes } from "../port/LocalRoutes.ts"
import { type NamespaceKey, Runtime, type RuntimeError, type ServiceKey } from "../port/Runtime.ts"
import { makeRouteTable, publicHostOf } from "./activator/RouteTable.ts"
import { makeLocalServices } from "./controller/LocalServices.ts"
import { makeObjectStore } from "./controller/ObjectStore.ts"
import { restoreServices } from "./controller/restoreServices.ts"
import { type ControllerInput, makeServiceController, type ServiceController } from "./controller/ServiceController.ts"
import { makeStartLimiter } from "./controller/StartLimiter.ts"
import { defaultSettle, type SettleBounds } from "./controller/settling.ts"
import { makeTicker } from "./controller/Ticker.ts"
import { Instances } from "./instances/Instance.ts"
import { limitations } from "./limitations.ts"
import { makeLives } from "./lives.ts"
import { makeLocalExec } from "./localExec.ts"
import { localOrganization, localProblems, makeRefusal } from "./localRefusals.ts"
import { localStatus } from "./localStatus.ts"
import { decodeCursor } from "./logs/LogFiles.ts"
import { LogStore } from "./logs/LogStore.ts"
import { LocalObjects } from "./objects/LocalObjects.ts"
import { type BackoffConfig, defaultBackoff } from "./revisions/backoff.ts"
import { instanceSpecOf } from "./revisions/instanceSpec.ts"
import { makeLinks, type OpenLink } from "./revisions/Links.ts"
import { makeRevisionRunner } from "./revisions/RevisionRunner.ts"

export interface LocalRuntimeOptions {
  /** Domain, scheme and port of public URLs. */
  readonly domain: string
  readonly scheme: "http" | "https"
  readonly port: number | undefined
  /** May sources run in place from a folder (`maxcloud dev`)? */
  readonly inPlace: boolean
  readonly openLink: OpenLink
  /** Whose sources may run as processes of this machine. @default the organization `local` */
  readonly mayRunProcesses?: (key: NamespaceKey) => boolean
  /** Services that start for the first time at once. @default 4 */
  readonly firstStarts?: number
  /** Milliseconds between SIGTERM and SIGKILL. @default 10_000 */
  readonly graceMs?: number
  readonly backoff?: BackoffConfig
  readonly settle?: SettleBounds
}

const make = (options: LocalRuntimeOptions) =>
  Effect.gen(function* () {
    const instances = yield* Instances
    const logs = yield* LogStore
    const objects = yield* LocalObjects
    const secrets = yield* Secrets
    const fork = EffectRuntime.runFork(yield* Effect.runtime<never>())
    const changes = yield* PubSub.unbounded<ServiceKey>()
    const lives = yield* makeLives
    const totals = { coldStarts: 0, coldStartMs: 0 }
    const graceMs = options.graceMs ?? 10_000
    const mayRunProcesses = options.mayRunProcesses ?? ((key: NamespaceKey) => key.organization === localOrganization)

    const ticker = makeTicker()
    const limiter = makeStartLimiter(options.firstStarts ?? 4)
    const store = makeObjectStore(objects, fork)
    const table = makeRouteTable(options.domain)
    const links = makeLinks({
      open: options.openLink,
      containerHost: instances.containerHost,
      routeOf: (callee) => services.find(callee)?.route,
      portOf: (callee, network) => services.find(callee)?.object().record.linkPorts[network],
      onPort: (callee, network, port) => services.find(callee)?.setLinkPort(network, port)
    })

    const hostOf = (key: ServiceKey) =>
      `${publicHostOf(key, options.domain)}${options.port === undefined ? "" : `:${options.port}`}`

    const makeRunner: ControllerInput["makeRunner"] = ({ app, key }, revision, hooks, care) =>
      makeRevisionRunner({
        ...hooks,
        care,
        revision: revision.name,
        maxConcurrency: revision.template.maxConcurrency,
        drainMs: revision.template.timeoutMs,
        backoff: options.backoff ?? defaultBackoff,
        instances: lives.noting(instances, { key, app, revision }),
        spec: instanceSpecOf({
          key,
          app,
          revision,
          secrets,
          links,
          graceMs,
          ownsMachine: mayRunProcesses(key),
          host: hostOf(key),
          resolvedImage: hooks.resolvedImage
        }),
        writer: (instance) => logs.writer({ ...key, revision: revision.name, instance }),
        fork
      })

    const makeController = (object: Parameters<typeof makeServiceController>[0]["object"]): ServiceController =>
      makeServiceController({
        object,
        ticker,
        limiter,
        settle: options.settle ?? defaultSettle,
        now: () => performance.now(),
        makeRunner,
        onColdStart: (ms) => {
          totals.coldStarts++
          totals.coldStartMs += ms
        },
        onStatus: (controller) => {
          store.later(controller)
          fork(PubSub.publish(changes, controller.object().key))
        }
      })

    const refusalOf = makeRefusal(mayRunProcesses, options.inPlace)
    const services = makeLocalServices({
      store,
      table,
      links,
      makeController,
      mayRun: (key, { created }) => (created === undefined ? undefined : refusalOf(key, created.template.program.kind)),
      isWhole: ({ organizationId }, { template: { command, program } }) =>
        instances.isWhole({ organizationId, command, program }),
      onRemoved: (key) => logs.remove(key),
      onEmptied: instances.removeNamespace
    })

    yield* Effect.addFinalizer(() =>
      Effect.gen(function* () {
        yield* store.close
        ticker.stop()
        yield* Effect.promise(() =>
          Promise.all([...services.all()].map((each) => each.stop(0, "the server is being stopped")))
        ).pipe(
          // A build may still be under way: the sources end it only after this.
          endWithin(Duration.millis(graceMs + 5000))
        )
        yield* Effect.promise(() => links.closeAll())
        yield* PubSub.shutdown(changes)
      })
    )

    const ended = yield* instances.clean
    if (ended > 0) yield* Effect.logInfo(`ended ${ended} instances of an earlier run`)
    yield* restoreServices(yield* objects.all, services, makeController, refusalOf)

    const urlOf = (key: ServiceKey) => `${options.scheme}://${hostOf(key)}`

    return {
      runtime: Runtime.of({
        name: "local",
        inPlace: options.inPlace,
        limitations,
        problems: Effect.fn("LocalRuntime.problems")((key, spec) => localProblems(refusalOf, instances, key, spec)),
        apply: Effect.fn("LocalRuntime.apply")((key, app, manifests, { retry }) =>
          services.apply(key, app, manifests, retry ?? new Set())
        ),
        abandon: services.abandon,
        // A revision that was given up isn't run here, and what tries it again lets it go live.
        release: () => Effect.void,
        dryRun: () => Effect.succeed([]),
        remove: services.remove,
        // A service that is missing shows by having no status; its other objects are not kept here.
        missing: () => Effect.succeed([]),
        status: Effect.fn("LocalRuntime.status")((key) =>
          Effect.transposeOption(
            Option.map(Option.fromNullable(services.find(key)), (found) => localStatus(found, logs, urlOf(key)))
          )
        ),
        changes: Stream.fromPubSub(changes),
        // Its objects stand in the database of this server alone.
        drift: Stream.empty,
        instances: lives.records,
        exec: makeLocalExec(services.find),
        revisions: (key) => Effect.sync(() => services.find(key)?.revisions() ?? []),
        isLogCursor: (text) => decodeCursor(text) !== undefined,
        logs: logs.read,
        logBytes: logs.bytes
      }),
      routes: LocalRoutes.of({
        lookup: table.lookup,
        totals: () => ({
          ...countAll([...services.all()]),
          coldStarts: totals.coldStarts,
          coldStartSeconds: totals.coldStartMs / 1000
        })
      })
    }
  })

const countAll = (all: ReadonlyArray<ServiceController>) => ({
  services: all.length,
  instances: all.reduce((sum, each) => sum + each.status().instances, 0),
  waiting: all.reduce((sum, each) => sum + each.route.waiting(), 0)
})

/** A small Knative in a process: `Runtime` on processes and containers of this machine, and the routes to them. */
export const layer = (
  options: LocalRuntimeOptions
): Layer.Layer<Runtime | LocalRoutes, RuntimeError, Instances | LogStore | LocalObjects | Secrets> =>
  Layer.scopedContext(
    // What it starts by itself (instances, checks, the autoscaler) is for all organizations.
    Effect.map(asServer(make(options)), ({ routes, runtime }) =>
      Context.make(Runtime, runtime).pipe(Context.add(LocalRoutes, routes))
    )
  )
