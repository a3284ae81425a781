import {
  type AppSpecEncoded,
  evaluateConfig,
  isConfig,
  parseAppSpec,
  productionStage,
  type StageName
} from "@maxcloud/config-schema"
import type { Config } from "@maxcloud/config-schema/authoring"
import { Effect, Either, Option, Redacted, Stream } from "effect"
import type {
  AppStage,
  CreateService,
  Deployment,
  DeploymentEvent,
  DriftRecord,
  InvalidRequest,
  LogEntry,
  NetworkReport,
  Plan,
  ReadinessCheck,
  RegistryInfo,
  Revision,
  SecretInfo,
  SecretVersionInfo,
  Service,
  UsageParameters,
  UsageReport
} from "./api/index.ts"
import type { ConnectionOptions } from "./connection.ts"
import { type DeployOptions, type DeployProgress, succeeded } from "./deploy.ts"
import { ConfigInvalid, type MaxCloudError, type RestartFailed } from "./errors.ts"
import { findConfig as findConfigEffect } from "./findConfig.ts"
import { readablePath } from "./issuePath.ts"
import { type LoadConfigOptions, type LoadedConfig, loadConfig as loadConfigEffect } from "./loadConfig.ts"
import { type Deployable, type LogOptions, makeMaxCloud, type ServerInfo } from "./MaxCloud.ts"
import { parseStage } from "./parse.ts"
import { makePeopleClient, type PeopleClient } from "./peopleClient.ts"
import { type Abortable, iterate, never, run } from "./promises.ts"
import { type RestartOptions, type RestartProgress, restarted } from "./restart.ts"

interface InStage extends Abortable {
  /** @default "production" */
  readonly stage?: string | undefined
}

/** What can be deployed: the path of a config, one that has been loaded, what `defineConfig` gave, or an AppSpec as plain data. */
export type DeployInput = string | LoadedConfig | Config | AppSpecEncoded

interface RestartCall extends InStage, RestartOptions {
  readonly onProgress?: ((progress: RestartProgress) => void) | undefined
}

interface PlanInput extends InStage {
  /** Where the paths of sources begin. @default the config's folder, else the process's own */
  readonly folder?: string | undefined
}

interface DeployCall
  extends PlanInput,
    Pick<DeployOptions, "idempotencyKey" | "detach" | "inPlace" | "forceConflicts"> {
  readonly onProgress?: ((progress: DeployProgress) => void) | undefined
}

export interface ClientOptions extends ConnectionOptions, Abortable {}

/** A max-cloud server. Every promise may reject with a `MaxCloudError`: real errors, told apart by `_tag` or `instanceof`. */
export interface Client extends PeopleClient, AsyncDisposable {
  readonly apiUrl: string
  readonly info: (options?: Abortable) => Promise<ServerInfo>
  /** Can the server do all of its work? A check that isn't `ok` says in its `message` why, and how to fix it. */
  readonly readiness: (options?: Abortable) => Promise<ReadonlyArray<ReadinessCheck>>
  /** What a deploy would change. */
  readonly plan: (app: DeployInput, options?: PlanInput) => Promise<Plan>
  /**
   * Deploys and waits. Resolves with the deployment that succeeded (with `detach`: that was accepted), rejects with
   * `DeploymentFailed` where it ended otherwise. Aborting stops the waiting; what was accepted goes on.
   */
  readonly deploy: (app: DeployInput, options?: DeployCall) => Promise<Deployment>
  /** What happens in a deployment, from its beginning until it is finished. */
  readonly events: (deploymentId: string, options?: Abortable) => AsyncIterable<DeploymentEvent>
  /** Waits for a deployment to succeed; rejects with `DeploymentFailed` where it ended otherwise. */
  readonly waitFor: (deploymentId: string, options?: Abortable) => Promise<Deployment>
  /** The lines of a service: `for await (const entry of client.logs("api", { follow: true }))`. */
  readonly logs: (service: string, options?: LogOptions & InStage) => AsyncIterable<LogEntry>
  readonly services: {
    readonly list: (filter?: InStage & { readonly app?: string | undefined }) => Promise<ReadonlyArray<Service>>
    readonly get: (name: string, options?: InStage) => Promise<Service>
    /** An app of this one service, in the stage `production`. */
    readonly create: (service: typeof CreateService.Encoded, options?: Abortable) => Promise<Service>
    readonly delete: (name: string, options?: InStage) => Promise<Deployment>
    readonly revisions: (name: string, options?: InStage) => Promise<ReadonlyArray<Revision>>
    /** Ends its instances; requests are answered 503 until it is resumed, over deployments too. */
    readonly pause: (name: string, options?: InStage) => Promise<Service>
    readonly resume: (name: string, options?: InStage) => Promise<Service>
    /** Replaces its instances by new ones of the same program, and resolves when these serve. Rejects with `RestartFailed`. */
    readonly restart: (name: string, options?: RestartCall) => Promise<Service>
  }
  readonly secrets: {
    readonly list: (app: string, options?: InStage) => Promise<ReadonlyArray<SecretInfo>>
    readonly set: (app: string, name: string, value: string, options?: InStage) => Promise<SecretInfo>
    readonly unset: (app: string, name: string, options?: InStage) => Promise<void>
    /** Adds a version of each, all or none. */
    readonly import: (
      app: string,
      values: Readonly<Record<string, string>>,
      options?: InStage
    ) => Promise<ReadonlyArray<SecretInfo>>
    /** Those that are still kept, newest first. */
    readonly versions: (app: string, name: string, options?: InStage) => Promise<ReadonlyArray<SecretVersionInfo>>
    /** Makes the value of an earlier version the newest one, as a version of its own. */
    readonly rollback: (app: string, name: string, version: number, options?: InStage) => Promise<SecretInfo>
  }
  readonly apps: {
    readonly list: (options?: Abortable) => Promise<ReadonlyArray<AppStage>>
    /** Removes an app's stage with all of its services. */
    readonly destroy: (app: string, options?: InStage) => Promise<Deployment>
    /** What others did to the app's objects in the cluster, newest first. */
    readonly drift: (app: string, options?: InStage) => Promise<ReadonlyArray<DriftRecord>>
    /** Probes from real pods what the network lets through, against what the config says. */
    readonly verifyNetwork: (app: string, options?: InStage) => Promise<NetworkReport>
  }
  readonly deployments: {
    readonly get: (deploymentId: string, options?: Abortable) => Promise<Deployment>
    readonly list: (app: string, options?: InStage) => Promise<ReadonlyArray<Deployment>>
  }
  /** What the organization's instances have reserved: the last 24 hours where nothing else is said. */
  readonly usage: (options?: UsageParameters & Abortable) => Promise<UsageReport>
  /** Credentials for registries, by host; passwords are never told. */
  readonly registries: {
    readonly list: (options?: Abortable) => Promise<ReadonlyArray<RegistryInfo>>
    readonly login: (host: string, username: string, password: string, options?: Abortable) => Promise<RegistryInfo>
    readonly logout: (host: string, options?: Abortable) => Promise<void>
  }
  /** Ends all that is open. */
  readonly close: () => Promise<void>
}

const evaluateInProcess = (config: Config, stage: StageName): Effect.Effect<AppSpecEncoded, ConfigInvalid> => {
  const invalid = (path: string, message: string) => ({ path, message, file: "" })
  return Effect.tryPromise({
    try: () => evaluateConfig(config, { stage }),
    catch: (error) =>
      new ConfigInvalid({ file: "", issues: [invalid("", error instanceof Error ? error.message : String(error))] })
  }).pipe(
    Effect.flatMap(({ spec }) =>
      Either.match(parseAppSpec(spec), {
        onRight: () => Effect.succeed(spec),
        onLeft: (issues) =>
          new ConfigInvalid({ file: "", issues: issues.map((_) => invalid(readablePath(spec, _.path), _.message)) })
      })
    )
  )
}

const deployable = (
  app: DeployInput,
  options: PlanInput
): Effect.Effect<{ readonly app: Deployable; readonly stage: StageName | undefined }, ConfigInvalid | InvalidRequest> =>
  Effect.gen(function* () {
    const stage = options.stage === undefined ? undefined : yield* parseStage(options.stage)
    if (typeof app === "string") return { app: yield* loadConfigEffect({ file: app, stage }), stage }
    if (isConfig(app)) return { app: yield* evaluateInProcess(app, stage ?? productionStage), stage }
    return { app, stage }
  })

/** A client of the server at `apiUrl` (default: `MAXCLOUD_API_URL`, else http://127.0.0.1:8080). */
export const createClient = (options: ClientOptions = {}): Client => {
  const cloud = Effect.runSync(makeMaxCloud(options))
  const closing = new AbortController()
  const signalOf = (call: Abortable | undefined) =>
    AbortSignal.any([closing.signal, options.signal, call?.signal].filter((_) => _ !== undefined))
  const close = async () => closing.abort(new DOMException("the client was closed", "AbortError"))

  const ofService = <A>(
    name: string,
    call: InStage | undefined,
    use: (name: string, options: { readonly stage: string | undefined }) => Effect.Effect<A, MaxCloudError>
  ) => run(use(name, { stage: call?.stage }), signalOf(call))
  const ofApp = ofService

  const deploy = (app: DeployInput, call: DeployCall = {}) =>
    deployable(app, call).pipe(
      Effect.flatMap(({ app, stage }) => {
        const { detach, folder, forceConflicts, idempotencyKey, inPlace } = call
        return cloud.deploy(app, { stage, folder, idempotencyKey, detach, inPlace, forceConflicts }).pipe(
          Stream.tap((progress) => Effect.sync(() => call.onProgress?.(progress))),
          Stream.runFold<Deployment | undefined, DeployProgress>(undefined, (last, progress) =>
            "deployment" in progress ? progress.deployment : last
          )
        )
      }),
      Effect.flatMap((deployment) => {
        if (deployment === undefined) return Effect.dieMessage("a deploy ended without a deployment")
        return call.detach ? Effect.succeed(deployment) : succeeded(deployment)
      })
    )

  return {
    apiUrl: cloud.apiUrl,
    info: (call) => run(cloud.info, signalOf(call)),
    readiness: (call) => run(cloud.readiness, signalOf(call)),
    plan: (app, call = {}) =>
      run(
        Effect.flatMap(deployable(app, call), ({ app, stage }) => cloud.plan(app, { stage, folder: call.folder })),
        signalOf(call)
      ),
    deploy: (app, call) => run(deploy(app, call), signalOf(call)),
    events: (deploymentId, call) => iterate(cloud.events(deploymentId), signalOf(call)),
    waitFor: (deploymentId, call) => run(Effect.flatMap(cloud.waitFor(deploymentId), succeeded), signalOf(call)),
    logs: (service, call = {}) => iterate(cloud.logs(service, call), signalOf(call)),
    services: {
      list: ({ signal, ...filter } = {}) => run(cloud.services.list(filter), signalOf({ signal })),
      get: (name, call) => ofService(name, call, cloud.services.get),
      create: (service, call) => run(cloud.services.create(service), signalOf(call)),
      delete: (name, call) => ofService(name, call, cloud.services.delete),
      revisions: (name, call) => ofService(name, call, cloud.services.revisions),
      pause: (name, call) => ofService(name, call, cloud.services.pause),
      resume: (name, call) => ofService(name, call, cloud.services.resume),
      restart: (name, call = {}) =>
        ofService(name, call, (name, { stage }) => {
          const { detach, idempotencyKey, onProgress } = call
          return cloud.services.restart(name, { stage, detach, idempotencyKey }).pipe(
            Stream.tap((progress) => Effect.sync(() => onProgress?.(progress))),
            Stream.runLast,
            Effect.flatMap(
              Option.match({
                onNone: () => Effect.dieMessage("a restart ended without a word"),
                onSome: (last): Effect.Effect<Service, RestartFailed> =>
                  last._tag === "accepted" ? Effect.succeed(last.restart.service) : restarted(last.service)
              })
            )
          )
        })
    },
    secrets: {
      list: (app, call) => ofApp(app, call, cloud.secrets.list),
      set: (app, name, value, call) =>
        ofApp(app, call, (app, options) => cloud.secrets.set(app, name, Redacted.make(value), options)),
      unset: (app, name, call) => ofApp(app, call, (app, options) => cloud.secrets.unset(app, name, options)),
      import: (app, values, call) =>
        ofApp(app, call, (app, options) =>
          cloud.secrets.import(
            app,
            Object.entries(values).map(([name, value]) => ({ name, value: Redacted.make(value) })),
            options
          )
        ),
      versions: (app, name, call) => ofApp(app, call, (app, options) => cloud.secrets.versions(app, name, options)),
      rollback: (app, name, version, call) =>
        ofApp(app, call, (app, options) => cloud.secrets.rollback(app, name, version, options))
    },
    apps: {
      list: (call) => run(cloud.apps, signalOf(call)),
      destroy: (app, call) => ofApp(app, call, cloud.destroy),
      drift: (app, call) => ofApp(app, call, cloud.drift),
      verifyNetwork: (app, call) => ofApp(app, call, cloud.verifyNetwork)
    },
    deployments: {
      get: (deploymentId, call) => run(cloud.deployments.get(deploymentId), signalOf(call)),
      list: (app, call) => ofApp(app, call, cloud.deployments.list)
    },
    usage: ({ signal, since, until } = {}) => run(cloud.usage({ since, until }), signalOf({ signal })),
    registries: {
      list: (call) => run(cloud.registries.list, signalOf(call)),
      login: (host, username, password, call) =>
        run(cloud.registries.login(host, username, Redacted.make(password)), signalOf(call)),
      logout: (host, call) => run(cloud.registries.logout(host), signalOf(call))
    },
    ...makePeopleClient(cloud, signalOf),
    close,
    [Symbol.asyncDispose]: close
  }
}

/** Reads a config for a stage and checks all of it. Rejects with `ConfigInvalid`, which names every place that is wrong. */
export const loadConfig = (options: LoadConfigOptions & Abortable = {}): Promise<LoadedConfig> =>
  run(loadConfigEffect(options), options.signal ?? never)

/** The config of `folder`: `maxcloud.config.*` there, or in the nearest folder above that has one. Absolute. */
export const findConfig = (folder: string = process.cwd()): Promise<string> => run(findConfigEffect(folder), never)
