import { Effect, Exit, Predicate, Scope } from "effect"
import {
  type CloudEvent,
  type Deployment,
  type DeploymentEvent,
  InvalidRequest,
  type LogEntry,
  type Plan,
  type SecretInfo,
  type Service
} from "./api/index.ts"
import { callingOf } from "./calls/Calling.ts"
import { type Calls, callsOf } from "./calls/calls.ts"
import type { OpenPortOptions, PortConnection } from "./calls/openPort.ts"
import type { FollowEventsOptions, LogOptions } from "./calls/streams.ts"
import { serverFacts } from "./config/configFacts.ts"
import { findConfig as findConfigEffect } from "./config/findConfig.ts"
import { type LoadConfigOptions, type LoadedConfig, loadConfig as loadConfigEffect } from "./config/loadConfig.ts"
import { nodeHost } from "./credentials/nodeHost.ts"
import {
  clientDeploys,
  type DeployCall,
  type DeployInput,
  type InApp,
  type InStage,
  type PlanCall,
  type PrepareCall,
  type RestartCall
} from "./deploy/clientDeploys.ts"
import { succeeded } from "./deploy/outcome.ts"
import type { PlanFile } from "./deploy/planFile.ts"
import { checkOptions } from "./input/checkOptions.ts"
import type { OptionKinds } from "./input/options.ts"
import { maxCloudOf, type WaitOptions } from "./MaxCloud.ts"
import {
  type Abortable,
  abortable,
  iterate,
  never,
  optionsIn,
  type Promised,
  promised,
  run,
  signalIn
} from "./promises.ts"
import { type ConnectionOptions, connectionOptions } from "./transport/transport.ts"

/** The client's calls about people, their credentials, the organization, and its audit log. */
export type PeopleClient = Pick<Client, "auth" | "organization" | "account" | "audit" | "erasures">

export interface ClientOptions extends ConnectionOptions, Abortable {}

type PromiseCalls = Calls<string>

/** A max-cloud server. Every promise may reject with a `MaxCloudError`: a real `Error`, which you tell apart by `_tag` or `instanceof`. */
export interface Client
  extends Promised<Omit<PromiseCalls, "services" | "secrets" | "deployments" | "events">>,
    AsyncDisposable {
  readonly apiUrl: string
  /** The changes that a deploy would make. */
  readonly plan: (app: DeployInput, options?: PlanCall) => Promise<Plan>
  /**
   * Plans, uploads the sources that the server lacks, and returns the plan with its manifests as plain data, for example to write to a file for
   * approval. Deploy it later with `deploy(plan)`, which rejects with `PlanOutdated` if something else would be applied by then. Rejects with
   * `InvalidSpec` if the plan has problems, or the digest of an image is unknown.
   */
  readonly preparePlan: (app: DeployInput, options?: PrepareCall) => Promise<PlanFile>
  /**
   * Deploys and waits. Resolves with the successful deployment (with `detach`, the accepted one). Rejects with `DeploymentFailed` if it fails.
   * Aborting stops the waiting; an accepted deployment continues.
   */
  readonly deploy: (app: DeployInput, options?: DeployCall) => Promise<Deployment>
  readonly deployments: Promised<PromiseCalls["deployments"]> & {
    /** The events of a deployment, from its start until it has finished. */
    readonly events: (deploymentId: string, options?: Abortable) => AsyncIterable<DeploymentEvent>
  }
  readonly events: Promised<PromiseCalls["events"]> & {
    /** The organization's events, without end: `for await (const event of client.events.follow({ type: "deployment.*" }))`. */
    readonly follow: (options?: FollowEventsOptions & Abortable) => AsyncIterable<CloudEvent>
  }
  /** Waits for a deployment to succeed. Rejects with `DeploymentFailed` if it fails. */
  readonly waitFor: (deploymentId: string, options?: Abortable) => Promise<Deployment>
  /** The lines of a service: `for await (const entry of client.logs("api", { follow: true }))`. */
  readonly logs: (service: string, options?: LogOptions & InApp) => AsyncIterable<LogEntry>
  readonly apps: Promised<PromiseCalls["apps"]> & {
    /** Removes an app's stage with all of its services. Resolves when they are gone. Rejects with `DeploymentFailed`. */
    readonly destroyAndWait: (app: string, options?: InStage & WaitOptions) => Promise<Deployment>
  }
  readonly services: Promised<PromiseCalls["services"]> & {
    /** Deletes a service. Resolves when it is gone, even if its deployment still waits for others. Rejects with `DeploymentFailed`. */
    readonly deleteAndWait: (name: string, options?: InApp & WaitOptions) => Promise<Deployment>
    /**
     * A TCP connection to a port of one of its instances, as Web Streams: `Duplex.fromWeb(connection)` of `node:stream` makes a socket of it.
     * It closes when the client does, the signal aborts, or you call `close`.
     */
    readonly openPort: (
      name: string,
      port: number,
      options?: OpenPortOptions & InApp
    ) => Promise<PortConnection & AsyncDisposable & { readonly close: () => Promise<void> }>
    /** Replaces its instances with new ones of the same program, and resolves when these serve. Rejects with `RestartFailed`. */
    readonly restart: (name: string, options?: RestartCall) => Promise<Service>
  }
  readonly secrets: Promised<Omit<PromiseCalls["secrets"], "import">> & {
    /** Adds a version of each secret, or of none. */
    readonly import: (
      app: string,
      values: Readonly<Record<string, string>>,
      options?: InStage
    ) => Promise<ReadonlyArray<SecretInfo>>
  }
  /** Ends all open calls and streams. */
  readonly close: () => Promise<void>
}

const clientOptions: OptionKinds<ClientOptions> = { ...connectionOptions, signal: "signal" }

const noSecrets = new InvalidRequest({
  detail: 'The secrets to import aren\'t an object. Pass names and values, such as { NAME: "value" }.',
  errors: []
})

/** Opens what needs a scope, which closes with `close` or the signal. */
const opened = async <A extends object>(effect: Effect.Effect<A, unknown, Scope.Scope>, signal: AbortSignal) => {
  const scope = Effect.runSync(Scope.make())
  const close = () => Effect.runPromise(Scope.close(scope, Exit.void))
  try {
    const found = await run(Scope.extend(effect, scope), signal)
    signal.addEventListener("abort", () => void close(), { once: true })
    return { ...found, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** A client of the server at `apiUrl` (default: `MAXCLOUD_API_URL`, else http://127.0.0.1:8080). Throws `InvalidRequest` for an unknown option. */
export const createClient = (options: ClientOptions = {}): Client => {
  checkOptions<ClientOptions>("createClient", options, clientOptions)
  const calling = Effect.runSync(callingOf(options, nodeHost))
  const cloud = maxCloudOf(calling)
  const { deploy, plan, preparePlan, restart } = clientDeploys(cloud, serverFacts(cloud.info))
  const closing = new AbortController()
  const signalOf = (call: Abortable | undefined) =>
    AbortSignal.any([closing.signal, options.signal, signalIn(call)].filter((value) => value !== undefined))
  const calls = promised(callsOf<string>(calling), signalOf)
  const close = async () => closing.abort(new DOMException("the client was closed", "AbortError"))

  return {
    ...calls,
    apiUrl: cloud.apiUrl,
    plan: (app, call) => run(plan(app, call), signalOf(call)),
    preparePlan: (app, call) => run(preparePlan(app, call), signalOf(call)),
    deploy: (app, call) => run(deploy(app, call), signalOf(call)),
    deployments: {
      ...calls.deployments,
      events: (deploymentId, call) => iterate(cloud.deployments.events(deploymentId, optionsIn(call)), signalOf(call))
    },
    events: { ...calls.events, follow: (call) => iterate(cloud.events.follow(optionsIn(call)), signalOf(call)) },
    waitFor: (deploymentId, call) =>
      run(abortable(call, Effect.flatMap(cloud.waitFor(deploymentId), succeeded)), signalOf(call)),
    logs: (service, call) => iterate(cloud.logs(service, optionsIn(call)), signalOf(call)),
    apps: {
      ...calls.apps,
      destroyAndWait: (app, call) => run(cloud.apps.destroyAndWait(app, optionsIn(call)), signalOf(call))
    },
    services: {
      ...calls.services,
      deleteAndWait: (name, call) => run(cloud.services.deleteAndWait(name, optionsIn(call)), signalOf(call)),
      openPort: (name, port, call) => opened(cloud.services.openPort(name, port, optionsIn(call)), signalOf(call)),
      restart: (name, call) => run(restart(name, call), signalOf(call))
    },
    secrets: {
      ...calls.secrets,
      import: (app, values, call) =>
        Predicate.isReadonlyRecord(values)
          ? calls.secrets.import(
              app,
              Object.entries(values).map(([name, value]) => ({ name, value })),
              call
            )
          : Promise.reject(noSecrets)
    },
    close,
    [Symbol.asyncDispose]: close
  }
}

/**
 * Reads a config for a stage and checks it completely. Rejects with `ConfigInvalid`, which lists every mistake with its position, or with
 * `InvalidRequest` if an option is invalid.
 */
export const loadConfig = (options?: LoadConfigOptions & Abortable): Promise<LoadedConfig> =>
  run(loadConfigEffect(optionsIn(options)), signalIn(options) ?? never)

/** The absolute path of the config of `folder`: `maxcloud.config.*` there, or in the nearest folder above that has one. */
export const findConfig = (folder: string = process.cwd()): Promise<string> => run(findConfigEffect(folder), never)
