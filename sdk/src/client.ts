import {
  AppName,
  type AppSpecEncoded,
  evaluateConfig,
  isConfig,
  parseAppSpec,
  productionStage,
  SecretName,
  ServiceName,
  StageName
} from "@maxcloud/config-schema"
import type { Config } from "@maxcloud/config-schema/authoring"
import { Effect, Either, Redacted, Stream } from "effect"
import {
  type AppStage,
  CreateService,
  type Deployment,
  type DeploymentEvent,
  DeploymentId,
  type DriftRecord,
  ImportSecrets,
  type InvalidRequest,
  type LogEntry,
  type NetworkReport,
  type Plan,
  RegistryHost,
  type RegistryInfo,
  type Revision,
  RollbackSecret,
  type SecretInfo,
  type SecretVersionInfo,
  type Service,
  type UsageParameters,
  type UsageReport
} from "./api/index.ts"
import type { ConnectionOptions } from "./connection.ts"
import { type DeployOptions, type DeployProgress, succeeded } from "./deploy.ts"
import { ConfigInvalid, type MaxCloudError } from "./errors.ts"
import { findConfig as findConfigEffect } from "./findConfig.ts"
import { readablePath } from "./issuePath.ts"
import { type LoadConfigOptions, type LoadedConfig, loadConfig as loadConfigEffect } from "./loadConfig.ts"
import { type Deployable, type LogOptions, makeMaxCloud, type ServerInfo } from "./MaxCloud.ts"
import { makePeopleClient, type PeopleClient } from "./peopleClient.ts"
import { type Abortable, iterate, never, parse, run } from "./promises.ts"

interface InStage extends Abortable {
  /** @default "production" */
  readonly stage?: string | undefined
}

/** What can be deployed: the path of a config, one that has been loaded, what `defineConfig` gave, or an AppSpec as plain data. */
export type DeployInput = string | LoadedConfig | Config | AppSpecEncoded

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

const parseApp = parse(AppName)
const parseService = parse(ServiceName)
const parseSecret = parse(SecretName)
const parseStage = parse(StageName)
const parseDeployment = parse(DeploymentId)
const parseCreate = parse(CreateService)
const parseImport = parse(ImportSecrets)
const parseRollback = parse(RollbackSecret)
const parseRegistry = parse(RegistryHost)
const stageOf = (options: { readonly stage?: string | undefined } | undefined) =>
  parseStage(options?.stage ?? productionStage)

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

  const id = <A>(deploymentId: string, use: (id: DeploymentId) => Effect.Effect<A, MaxCloudError>) =>
    Effect.flatMap(parseDeployment(deploymentId), use)
  const ofService = <A>(
    name: string,
    call: InStage | undefined,
    use: (name: ServiceName, options: { readonly stage: StageName }) => Effect.Effect<A, MaxCloudError>
  ) =>
    run(
      Effect.flatMap(Effect.all([parseService(name), stageOf(call)]), ([name, stage]) => use(name, { stage })),
      signalOf(call)
    )
  const ofApp = <A>(
    app: string,
    call: InStage | undefined,
    use: (app: AppName, options: { readonly stage: StageName }) => Effect.Effect<A, MaxCloudError>
  ) =>
    run(
      Effect.flatMap(Effect.all([parseApp(app), stageOf(call)]), ([app, stage]) => use(app, { stage })),
      signalOf(call)
    )

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
    plan: (app, call = {}) =>
      run(
        Effect.flatMap(deployable(app, call), ({ app, stage }) => cloud.plan(app, { stage, folder: call.folder })),
        signalOf(call)
      ),
    deploy: (app, call) => run(deploy(app, call), signalOf(call)),
    events: (deploymentId, call) =>
      iterate(Stream.unwrap(Effect.map(parseDeployment(deploymentId), (id) => cloud.events(id))), signalOf(call)),
    waitFor: (deploymentId, call) =>
      run(
        id(deploymentId, (id) => Effect.flatMap(cloud.waitFor(id), succeeded)),
        signalOf(call)
      ),
    logs: (service, call = {}) =>
      iterate(
        Stream.unwrap(
          Effect.map(Effect.all([parseService(service), stageOf(call)]), ([name, stage]) =>
            cloud.logs(name, { ...call, stage })
          )
        ),
        signalOf(call)
      ),
    services: {
      list: ({ app, signal, stage } = {}) =>
        run(
          Effect.gen(function* () {
            return yield* cloud.services.list({
              app: app === undefined ? undefined : yield* parseApp(app),
              stage: stage === undefined ? undefined : yield* parseStage(stage)
            })
          }),
          signalOf({ signal })
        ),
      get: (name, call) => ofService(name, call, cloud.services.get),
      create: (service, call) => run(Effect.flatMap(parseCreate(service), cloud.services.create), signalOf(call)),
      delete: (name, call) => ofService(name, call, cloud.services.delete),
      revisions: (name, call) => ofService(name, call, cloud.services.revisions),
      pause: (name, call) => ofService(name, call, cloud.services.pause),
      resume: (name, call) => ofService(name, call, cloud.services.resume)
    },
    secrets: {
      list: (app, call) => ofApp(app, call, cloud.secrets.list),
      set: (app, name, value, call) =>
        ofApp(app, call, (app, options) =>
          Effect.flatMap(parseSecret(name), (name) => cloud.secrets.set(app, name, Redacted.make(value), options))
        ),
      unset: (app, name, call) =>
        ofApp(app, call, (app, options) =>
          Effect.flatMap(parseSecret(name), (name) => cloud.secrets.unset(app, name, options))
        ),
      import: (app, values, call) =>
        ofApp(app, call, (app, options) =>
          Effect.flatMap(
            parseImport({ secrets: Object.entries(values).map(([name, value]) => ({ name, value })) }),
            ({ secrets }) => cloud.secrets.import(app, secrets, options)
          )
        ),
      versions: (app, name, call) =>
        ofApp(app, call, (app, options) =>
          Effect.flatMap(parseSecret(name), (name) => cloud.secrets.versions(app, name, options))
        ),
      rollback: (app, name, version, call) =>
        ofApp(app, call, (app, options) =>
          Effect.flatMap(Effect.all([parseSecret(name), parseRollback({ version })]), ([name, { version }]) =>
            cloud.secrets.rollback(app, name, version, options)
          )
        )
    },
    apps: {
      list: (call) => run(cloud.apps, signalOf(call)),
      destroy: (app, call) => ofApp(app, call, cloud.destroy),
      drift: (app, call) => ofApp(app, call, cloud.drift),
      verifyNetwork: (app, call) => ofApp(app, call, cloud.verifyNetwork)
    },
    deployments: {
      get: (deploymentId, call) => run(id(deploymentId, cloud.deployments.get), signalOf(call)),
      list: (app, call) => ofApp(app, call, cloud.deployments.list)
    },
    usage: ({ signal, since, until } = {}) => run(cloud.usage({ since, until }), signalOf({ signal })),
    registries: {
      list: (call) => run(cloud.registries.list, signalOf(call)),
      login: (host, username, password, call) =>
        run(
          Effect.flatMap(parseRegistry(host), (host) =>
            cloud.registries.login(host, username, Redacted.make(password))
          ),
          signalOf(call)
        ),
      logout: (host, call) => run(Effect.flatMap(parseRegistry(host), cloud.registries.logout), signalOf(call))
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
