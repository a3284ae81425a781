import {
  type AppSpecEncoded,
  evaluateConfig,
  isConfig,
  productionStage,
  type SpecIssue,
  type StageName
} from "@maxcloud/config-schema"
import type { Config } from "@maxcloud/config-schema/authoring"
import { Effect, Either, Option, Predicate, Stream } from "effect"
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
import type { FollowEventsOptions, LogOptions } from "./calls/streams.ts"
import { type ServerFacts, serverFacts } from "./config/configFacts.ts"
import { findConfig as findConfigEffect } from "./config/findConfig.ts"
import { gitStateOf } from "./config/gitState.ts"
import { readablePath } from "./config/issuePath.ts"
import { type LoadConfigOptions, type LoadedConfig, loadConfig as loadConfigEffect } from "./config/loadConfig.ts"
import { parseJudged } from "./config/policies.ts"
import { nodeHost } from "./credentials/nodeHost.ts"
import {
  type Deployable,
  type DeployOptions,
  type DeployProgress,
  type PrepareOptions,
  succeeded
} from "./deploy/deploy.ts"
import type { PlanFile } from "./deploy/planFile.ts"
import { type RestartOptions, type RestartProgress, restarted } from "./deploy/restart.ts"
import { type CallError, ConfigInvalid, type ConfigIssue } from "./errors.ts"
import { type OptionKinds, optionsFault } from "./input/options.ts"
import { parseOptions, parseStage } from "./input/parse.ts"
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
import type { ConnectionOptions } from "./transport/transport.ts"

interface InStage extends Abortable {
  /** @default "production" */
  readonly stage?: string | undefined
}

interface InApp extends InStage {
  /** The service's app. Needed only if several apps have a service of this name in the stage. */
  readonly app?: string | undefined
}

/** The input of a deploy: a config's path, a loaded config, the result of `defineConfig`, an AppSpec as plain data, or a plan that was approved. */
export type DeployInput = string | LoadedConfig | Config | AppSpecEncoded | PlanFile

interface RestartCall extends InApp, RestartOptions {
  readonly onProgress?: ((progress: RestartProgress) => void) | undefined
}

interface PlanInput extends InStage, Pick<DeployOptions, "metadata"> {
  /** The folder that relative source paths start from. @default the config's folder, else the process's own */
  readonly folder?: string | undefined
}

interface PlanCall extends PlanInput {
  /** Ask for the manifests, too. @default false */
  readonly manifests?: boolean | undefined
}

interface PrepareCall extends PlanInput, Pick<PrepareOptions, "message" | "metadata" | "onProgress"> {}

interface DeployCall
  extends PlanInput,
    Pick<DeployOptions, "idempotencyKey" | "detach" | "inPlace" | "plan" | "forceConflicts" | "message"> {
  readonly onProgress?: ((progress: DeployProgress) => void) | undefined
}

/** The part of a client that is about people, their credentials, the organization, and its audit log. */
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
   * Plans, uploads the sources that the server lacks, and gives the plan as plain data, with its manifests: a file for whoever approves it. Deploy it
   * later as `deploy(plan)`; if something else would be applied by then, that rejects with `PlanOutdated`. Rejects with `InvalidSpec` if the plan
   * has problems, or an image whose digest isn't known.
   */
  readonly preparePlan: (app: DeployInput, options?: PrepareCall) => Promise<PlanFile>
  /**
   * Deploys and waits. Resolves with the successful deployment (with `detach`: the accepted one). Rejects with `DeploymentFailed` if it ended
   * otherwise. Aborting stops the waiting; an accepted deployment continues.
   */
  readonly deploy: (app: DeployInput, options?: DeployCall) => Promise<Deployment>
  readonly deployments: Promised<PromiseCalls["deployments"]> & {
    /** The events of a deployment, from its start until it has finished. */
    readonly events: (deploymentId: string, options?: Abortable) => AsyncIterable<DeploymentEvent>
  }
  readonly events: Promised<PromiseCalls["events"]> & {
    /** What happens in the organization, without an end: `for await (const event of client.events.follow({ type: "deployment.*" }))`. */
    readonly follow: (options?: FollowEventsOptions & Abortable) => AsyncIterable<CloudEvent>
  }
  /** Waits for a deployment to succeed; rejects with `DeploymentFailed` where it ended otherwise. */
  readonly waitFor: (deploymentId: string, options?: Abortable) => Promise<Deployment>
  /** The lines of a service: `for await (const entry of client.logs("api", { follow: true }))`. */
  readonly logs: (service: string, options?: LogOptions & InApp) => AsyncIterable<LogEntry>
  readonly apps: Promised<PromiseCalls["apps"]> & {
    /** Removes an app's stage with all of its services. Resolves when they are gone. Rejects with `DeploymentFailed`. */
    readonly destroyAndWait: (app: string, options?: InStage & WaitOptions) => Promise<Deployment>
  }
  readonly services: Promised<PromiseCalls["services"]> & {
    /** Deletes a service. Resolves when it is gone, whatever its deployment still waits for. Rejects with `DeploymentFailed`. */
    readonly deleteAndWait: (name: string, options?: InApp & WaitOptions) => Promise<Deployment>
    /** Replaces its instances by new ones of the same program, and resolves when these serve. Rejects with `RestartFailed`. */
    readonly restart: (name: string, options?: RestartCall) => Promise<Service>
  }
  readonly secrets: Promised<Omit<PromiseCalls["secrets"], "import">> & {
    /** Adds a version of each, all or none. */
    readonly import: (
      app: string,
      values: Readonly<Record<string, string>>,
      options?: InStage
    ) => Promise<ReadonlyArray<SecretInfo>>
  }
  /** Ends all that is open. */
  readonly close: () => Promise<void>
}

type Server = Effect.Effect<ServerFacts, CallError>

const planInput: OptionKinds<PlanInput> = { stage: "text", folder: "text", metadata: "any", signal: "signal" }
const planOptions: OptionKinds<PlanCall> = { ...planInput, manifests: "flag" }
const prepareOptions: OptionKinds<PrepareCall> = { ...planInput, message: "text", onProgress: "function" }
const deployOptions: OptionKinds<DeployCall> = {
  ...planInput,
  idempotencyKey: "text",
  detach: "flag",
  inPlace: "flag",
  plan: "text",
  forceConflicts: "flag",
  message: "text",
  onProgress: "function"
}
const restartOptions: OptionKinds<RestartCall> = {
  app: "text",
  stage: "text",
  idempotencyKey: "text",
  detach: "flag",
  onProgress: "function",
  signal: "signal"
}
const clientOptions: OptionKinds<ClientOptions> = {
  apiUrl: "text",
  organization: "text",
  token: "any",
  onDeprecated: "function",
  fetch: "function",
  httpClient: "any",
  timeoutSeconds: "number",
  signal: "signal"
}

const evaluateInProcess = (config: Config, stage: StageName, server: Server) => {
  const file = ""
  return Effect.gen(function* () {
    const facts = yield* server
    const git = yield* Effect.promise(() => gitStateOf(process.cwd()))
    const evaluated = yield* Effect.tryPromise({
      try: () => evaluateConfig(config, { stage, ...facts, git }),
      catch: (error) =>
        new ConfigInvalid({
          file,
          issues: [{ path: "", message: error instanceof Error ? error.message : String(error), file }]
        })
    })
    const locate = async (issues: ReadonlyArray<SpecIssue>) =>
      issues.map(({ message, path }): ConfigIssue => ({ path: readablePath(evaluated.spec, path), message, file }))
    const parsed = parseJudged(evaluated, stage)
    if (Either.isLeft(parsed)) {
      return yield* new ConfigInvalid({ file, issues: yield* Effect.promise(() => locate(parsed.left)) })
    }
    const { asked, findings, spec } = parsed.right
    const answers = asked === undefined ? [] : yield* Effect.promise(() => evaluated.askOwn(asked))
    const folder = process.cwd()
    return {
      file,
      folder,
      stage,
      spec,
      policies: findings(answers),
      files: [],
      assumed: [],
      charts: [],
      locate
    } satisfies LoadedConfig
  })
}

const deployable = (
  app: DeployInput,
  options: PlanInput,
  server: Server
): Effect.Effect<{ readonly app: Deployable; readonly stage: StageName | undefined }, ConfigInvalid | CallError> =>
  Effect.gen(function* () {
    const stage = options.stage === undefined ? undefined : yield* parseStage(options.stage)
    if (typeof app === "string") return { app: yield* loadConfigEffect({ file: app, stage }, server), stage }
    if (isConfig(app)) return { app: yield* evaluateInProcess(app, stage ?? productionStage, server), stage }
    return { app, stage }
  })

const noSecrets = new InvalidRequest({
  detail: 'The secrets to import aren\'t an object. Give their names and values as { NAME: "value" }.',
  errors: []
})

/** A client of the server at `apiUrl` (default: `MAXCLOUD_API_URL`, else http://127.0.0.1:8080). */
export const createClient = (options: ClientOptions = {}): Client => {
  const fault = optionsFault(options, clientOptions)
  if (fault !== undefined) throw new TypeError(`createClient: ${fault}`)
  const calling = Effect.runSync(callingOf(options, nodeHost))
  const cloud = maxCloudOf(calling)
  const server = serverFacts(cloud.info)
  const closing = new AbortController()
  const signalOf = (call: Abortable | undefined) =>
    AbortSignal.any([closing.signal, options.signal, signalIn(call)].filter((value) => value !== undefined))
  const calls = promised(callsOf<string>(calling), signalOf)
  const close = async () => closing.abort(new DOMException("the client was closed", "AbortError"))

  const deploy = (app: DeployInput, given: DeployCall | undefined) =>
    Effect.gen(function* () {
      const call = yield* parseOptions<DeployCall>(given, deployOptions)
      const { signal: _, ...rest } = call
      const { app: described, stage } = yield* deployable(app, call, server)
      return yield* cloud.deployAndWait(described, { ...rest, stage })
    })

  const plan = (app: DeployInput, given: PlanCall | undefined) =>
    Effect.gen(function* () {
      const call = yield* parseOptions<PlanCall>(given, planOptions)
      const { app: described, stage } = yield* deployable(app, call, server)
      const { folder, manifests, metadata } = call
      return yield* cloud.plan(described, { stage, folder, manifests, metadata })
    })

  const preparePlan = (app: DeployInput, given: PrepareCall | undefined) =>
    Effect.gen(function* () {
      const { signal: _, ...call } = yield* parseOptions<PrepareCall>(given, prepareOptions)
      const { app: described, stage } = yield* deployable(app, call, server)
      return yield* cloud.preparePlan(described, { ...call, stage })
    })

  const restart = (name: string, given: RestartCall | undefined) =>
    Effect.gen(function* () {
      const { onProgress, signal: _, ...options } = yield* parseOptions<RestartCall>(given, restartOptions)
      const progress = cloud.services.restart(name, options)
      const last = yield* Stream.runLast(Stream.tap(progress, (each) => Effect.sync(() => onProgress?.(each))))
      if (Option.isNone(last)) return yield* Effect.dieMessage("a restart ended without a word")
      return last.value._tag === "accepted" ? last.value.restart.service : yield* restarted(last.value.service)
    })

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

/** Reads a config for a stage and checks all of it. Rejects with `ConfigInvalid`, which names every place that is wrong. */
export const loadConfig = (options: LoadConfigOptions & Abortable = {}): Promise<LoadedConfig> =>
  run(loadConfigEffect(options), options.signal ?? never)

/** The config of `folder`: `maxcloud.config.*` there, or in the nearest folder above that has one. Absolute. */
export const findConfig = (folder: string = process.cwd()): Promise<string> => run(findConfigEffect(folder), never)
