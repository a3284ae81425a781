import { Context, Effect, Layer, type Redacted, type Scope, Stream } from "effect"
import {
  type CloudEvent,
  type Deployment,
  type DeploymentEvent,
  InvalidRequest,
  type LogEntry,
  type Plan
} from "./api/index.ts"
import { type Calling, callingOf } from "./calls/Calling.ts"
import { type Calls, callsOf } from "./calls/calls.ts"
import { type ExecOptions, type ExecSession, makeExec } from "./calls/exec.ts"
import { makeOpenPort, type OpenPortOptions, type PortConnection } from "./calls/openPort.ts"
import { type DeploymentEventsOptions, type FollowEventsOptions, type LogOptions, streamsOf } from "./calls/streams.ts"
import { nodeHost } from "./credentials/nodeHost.ts"
import { type DeployError, makeDeploy, type PlanError } from "./deploy/deploy.ts"
import {
  type Deployable,
  type DeployOptions,
  type DeployProgress,
  deployOptions,
  type PlanOptions,
  type PrepareOptions
} from "./deploy/deployOptions.ts"
import { awaited } from "./deploy/outcome.ts"
import type { PlanFile } from "./deploy/planFile.ts"
import { makeRestart, type RestartOptions, type RestartProgress } from "./deploy/restart.ts"
import type { CallError, DeploymentUnsuccessful } from "./errors.ts"
import { checkOptions } from "./input/checkOptions.ts"
import type { OptionKinds } from "./input/options.ts"
import { type InApp, type InStage, parseOptions } from "./input/parse.ts"
import { type ConnectionOptions, connectionOptions } from "./transport/transport.ts"

type EffectCalls = Calls<Redacted.Redacted<string>>
export type AuthCalls = EffectCalls["auth"]
export type OrganizationCalls = EffectCalls["organization"]
export type AccountCalls = EffectCalls["account"]
export type AuditCalls = EffectCalls["audit"]
export type ErasureCalls = EffectCalls["erasures"]

export interface WaitOptions {
  readonly onProgress?: ((progress: DeployProgress) => void) | undefined
}

/** The service that `MaxCloud` provides: single calls, and streams. */
export interface MaxCloudService extends Omit<EffectCalls, "apps" | "services" | "deployments" | "events"> {
  readonly apiUrl: string
  /** The changes that a deploy would make. Reads sources for their digests, but sends only the AppSpec. */
  readonly plan: (app: Deployable, options?: PlanOptions) => Effect.Effect<Plan, PlanError>
  /**
   * Plans, uploads the sources that the server lacks, and returns the plan with its manifests as plain data, for example to write to a file for
   * approval. Deploy it later with `deploy(plan)`, which fails with `PlanOutdated` if something else would be applied by then. `InvalidSpec` if
   * the plan has problems, or the digest of an image is unknown.
   */
  readonly preparePlan: (app: Deployable, options?: PrepareOptions) => Effect.Effect<PlanFile, DeployError>
  /**
   * Uploads the sources that the server lacks, deploys, and emits the deployment's events until it has finished. The stream ends normally
   * even if the deployment failed: check `finished.deployment.status.state`. If you end the stream early, the deployment continues.
   */
  readonly deploy: (app: Deployable, options?: DeployOptions) => Stream.Stream<DeployProgress, DeployError>
  /** Deploys and waits for success: runs the stream of `deploy` to its end. With `detach`, returns the accepted deployment. */
  readonly deployAndWait: (
    app: Deployable,
    options?: DeployOptions & WaitOptions
  ) => Effect.Effect<Deployment, DeployError | DeploymentUnsuccessful>
  /** Waits until the deployment has finished. */
  readonly waitFor: (id: string) => Effect.Effect<Deployment, CallError>
  /** The lines that a service's instances wrote. */
  readonly logs: (service: string, options?: LogOptions & InApp) => Stream.Stream<LogEntry, CallError>
  readonly deployments: EffectCalls["deployments"] & {
    /** The events of a deployment from the first, or after `lastEventId`, until it has finished. */
    readonly events: (id: string, options?: DeploymentEventsOptions) => Stream.Stream<DeploymentEvent, CallError>
  }
  readonly events: EffectCalls["events"] & {
    /** The organization's events from now on, or after the event with the `sequence` `after`. The stream doesn't end. */
    readonly follow: (options?: FollowEventsOptions) => Stream.Stream<CloudEvent, CallError>
  }
  readonly apps: EffectCalls["apps"] & {
    /** Removes an app's stage with all of its services, and waits until they are gone. */
    readonly destroyAndWait: (
      app: string,
      options?: InStage & WaitOptions
    ) => Effect.Effect<Deployment, CallError | DeploymentUnsuccessful>
  }
  readonly services: EffectCalls["services"] & {
    /** Deletes a service and waits until it is gone, even if its deployment still waits for others. */
    readonly deleteAndWait: (
      name: string,
      options?: InApp & WaitOptions
    ) => Effect.Effect<Deployment, CallError | DeploymentUnsuccessful>
    /** Runs a program in one of its instances, with its environment. May start an instance of a service at zero. */
    readonly exec: (
      name: string,
      command: ReadonlyArray<string>,
      options: ExecOptions & InApp
    ) => Effect.Effect<ExecSession, CallError, Scope.Scope>
    /**
     * A TCP connection to a port of one of its instances, as Web Streams: `Duplex.fromWeb(connection)` of `node:stream` makes a socket of it.
     * Locally it may start an instance of a service at zero.
     */
    readonly openPort: (
      name: string,
      port: number,
      options?: OpenPortOptions & InApp
    ) => Effect.Effect<PortConnection, CallError, Scope.Scope>
    /**
     * Replaces the service's instances with new ones of the same program, and emits the progress until it has finished. The stream ends
     * normally even if the restart failed: check `finished.service`. If you end the stream early, the restart continues.
     */
    readonly restart: (name: string, options?: RestartOptions & InApp) => Stream.Stream<RestartProgress, CallError>
  }
}

/** A max-cloud server, as an Effect service. Every call may fail with `CallError`; an invalid name or id fails with `InvalidRequest`. */
export class MaxCloud extends Context.Tag("@maxcloud/sdk/MaxCloud")<MaxCloud, MaxCloudService>() {
  static readonly layer = (options: ConnectionOptions = {}): Layer.Layer<MaxCloud> =>
    Layer.effect(MaxCloud, makeMaxCloud(options))
}

/** The service for a server at `options.apiUrl`. Dies with `InvalidRequest` if a program without types passes an unknown option. */
export const makeMaxCloud = (options: ConnectionOptions = {}): Effect.Effect<MaxCloudService> =>
  Effect.suspend(() => {
    checkOptions<ConnectionOptions>("makeMaxCloud", options, connectionOptions)
    return Effect.map(callingOf(options, nodeHost), maxCloudOf)
  })

const waitOptions: OptionKinds<InApp & WaitOptions> = { app: "text", stage: "text", onProgress: "function" }

/** The service is gone, even if the deployment still waits for others. */
const isGone = (name: string) => (progress: DeployProgress) =>
  progress._tag === "event" && progress.event.service === name && progress.event.reason === "Deleted"

export const restartOptions: OptionKinds<RestartOptions & InApp> = {
  idempotencyKey: "text",
  detach: "flag",
  app: "text",
  stage: "text"
}
const execOptions: OptionKinds<ExecOptions & InApp> = {
  terminal: "any",
  onOutput: "function",
  app: "text",
  stage: "text"
}
export const openPortOptions: OptionKinds<OpenPortOptions & InApp> = { instance: "text", app: "text", stage: "text" }

export const maxCloudOf = (calling: Calling): MaxCloudService => {
  const { api, apiUrl, connection } = calling
  const calls = callsOf<Redacted.Redacted<string>>(calling)
  const find = calls.services.get
  const { deploymentEvents, followEvents, logs, waitFor } = streamsOf(calling, find)
  const restart = makeRestart(connection, api)
  const exec = makeExec(connection)
  const openPort = makeOpenPort(connection)

  const { deploy, follow, plan, preparePlan } = makeDeploy(connection, api, deploymentEvents)
  return {
    ...calls,
    apiUrl,
    plan,
    preparePlan,
    deploy,
    deployAndWait: (app, given) =>
      Effect.flatMap(
        parseOptions<DeployOptions & WaitOptions>(given, { ...deployOptions, onProgress: "function" }),
        ({ onProgress, ...options }) => awaited(deploy(app, options), onProgress)
      ),
    deployments: { ...calls.deployments, events: deploymentEvents },
    events: { ...calls.events, follow: followEvents },
    waitFor,
    logs,
    apps: {
      ...calls.apps,
      destroyAndWait: (app, given) =>
        Effect.gen(function* () {
          const { onProgress, stage } = yield* parseOptions<InStage & WaitOptions>(given, {
            stage: "text",
            onProgress: "function"
          })
          return yield* awaited(follow(yield* calls.apps.destroy(app, { stage })), onProgress)
        })
    },
    services: {
      ...calls.services,
      deleteAndWait: (name, given) =>
        Effect.gen(function* () {
          const { app, onProgress, stage } = yield* parseOptions<InApp & WaitOptions>(given, waitOptions)
          const progress = follow(yield* calls.services.delete(name, { app, stage }))
          return yield* awaited(Stream.takeUntil(progress, isGone(name)), onProgress)
        }),
      exec: (name, command, given) =>
        Effect.gen(function* () {
          const { app, onOutput, stage, terminal } = yield* parseOptions<ExecOptions & InApp>(given, execOptions)
          if (onOutput === undefined) {
            const detail = "Nothing receives the program's output. Pass a function as `onOutput`."
            return yield* new InvalidRequest({ detail, errors: [] })
          }
          return yield* exec(find(name, { app, stage }), command, { onOutput, terminal })
        }),
      openPort: (name, port, given) =>
        Effect.flatMap(parseOptions<OpenPortOptions & InApp>(given, openPortOptions), ({ app, stage, ...options }) =>
          openPort(find(name, { app, stage }), port, options)
        ),
      restart: (name, given) =>
        Stream.unwrap(
          Effect.map(parseOptions<RestartOptions & InApp>(given, restartOptions), ({ app, stage, ...options }) =>
            restart(find(name, { app, stage }), options)
          )
        )
    }
  }
}
