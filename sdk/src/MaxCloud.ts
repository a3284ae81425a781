import type { AppSpecEncoded } from "@maxcloud/config-schema"
import { Context, Effect, Layer, type Redacted, type Scope, type Stream } from "effect"
import type { CloudEvent, Deployment, DeploymentEvent, LogEntry, Plan } from "./api/index.ts"
import { type Calling, callingOf } from "./calls/Calling.ts"
import { type Calls, callsOf } from "./calls/calls.ts"
import { type DeployError, type DeployOptions, type DeployProgress, makeDeploy, type PlanError } from "./deploy.ts"
import type { CallError } from "./errors.ts"
import { type ExecOptions, type ExecSession, makeExec } from "./exec.ts"
import type { LoadedConfig } from "./loadConfig.ts"
import { localToken } from "./localServer.ts"
import type { InApp } from "./parse.ts"
import { makeRestart, type RestartOptions, type RestartProgress } from "./restart.ts"
import { type FollowEventsOptions, type LogOptions, streamsOf } from "./streams.ts"
import type { ConnectionOptions } from "./transport.ts"

/** The input of a deploy: a loaded config, or an AppSpec as plain data. */
export type Deployable = LoadedConfig | AppSpecEncoded

type EffectCalls = Calls<Redacted.Redacted<string>>
export type AuthCalls = EffectCalls["auth"]
export type OrganizationCalls = EffectCalls["organization"]
export type AccountCalls = EffectCalls["account"]
export type AuditCalls = EffectCalls["audit"]
export type ErasureCalls = EffectCalls["erasures"]

/** The service that `MaxCloud` provides: single calls, and streams. */
export interface MaxCloudService extends Omit<EffectCalls, "apps" | "services" | "deployments" | "events"> {
  readonly apiUrl: string
  readonly health: Effect.Effect<void, CallError>
  /** The changes that a deploy would make. Sources are read for their digest; only the AppSpec is sent. */
  readonly plan: (app: Deployable, options?: DeployOptions) => Effect.Effect<Plan, PlanError>
  /**
   * Uploads the sources that the server lacks, deploys, and emits the deployment's events until it has finished. The stream ends normally
   * even if the deployment failed: check `finished.deployment.status.state`. If you end the stream early, the deployment continues.
   */
  readonly deploy: (app: Deployable, options?: DeployOptions) => Stream.Stream<DeployProgress, DeployError>
  /** The deployment, once it is finished. */
  readonly waitFor: (id: string) => Effect.Effect<Deployment, CallError>
  /** The lines that a service's instances wrote. */
  readonly logs: (service: string, options?: LogOptions & InApp) => Stream.Stream<LogEntry, CallError>
  readonly deployments: EffectCalls["deployments"] & {
    /** The events of a deployment from its first, or after `lastEventId`, until it is finished. */
    readonly events: (
      id: string,
      options?: { readonly lastEventId?: string | undefined }
    ) => Stream.Stream<DeploymentEvent, CallError>
  }
  readonly events: EffectCalls["events"] & {
    /** What happens in the organization from now on, or after the event with the `sequence` `after`, without an end. */
    readonly follow: (options?: FollowEventsOptions) => Stream.Stream<CloudEvent, CallError>
  }
  readonly services: EffectCalls["services"] & {
    /** Runs a program in one of its instances, with its environment. A service at zero may be started for it. */
    readonly exec: (
      name: string,
      command: ReadonlyArray<string>,
      options: ExecOptions & InApp
    ) => Effect.Effect<ExecSession, CallError, Scope.Scope>
    /**
     * Replaces the service's instances with new ones of the same program, and emits its progress until it has finished. The stream ends
     * normally even if the restart failed: check `finished.service`. If you end the stream early, the restart continues.
     */
    readonly restart: (name: string, options?: RestartOptions & InApp) => Stream.Stream<RestartProgress, CallError>
  }
  readonly apps: EffectCalls["apps"]["list"]
  /** Removes an app's stage with all of its services. */
  readonly destroy: EffectCalls["apps"]["destroy"]
  /** Changes that others made to the app's objects in the cluster, newest first. */
  readonly drift: EffectCalls["apps"]["drift"]
  /** Probes from real pods which connections the network allows, and compares that with the config. */
  readonly verifyNetwork: EffectCalls["apps"]["verifyNetwork"]
}

/** A max-cloud server, as an Effect service. Every call may fail with `CallError`; a name or id that can't be one fails with `InvalidRequest`. */
export class MaxCloud extends Context.Tag("@maxcloud/sdk/MaxCloud")<MaxCloud, MaxCloudService>() {
  static readonly layer = (options: ConnectionOptions = {}): Layer.Layer<MaxCloud> =>
    Layer.effect(MaxCloud, makeMaxCloud(options))
}

/** The service for a server at `options.apiUrl`. */
export const makeMaxCloud = (options: ConnectionOptions = {}): Effect.Effect<MaxCloudService> =>
  Effect.map(callingOf(options, localToken), maxCloudOf)

export const maxCloudOf = (calling: Calling): MaxCloudService => {
  const { api, apiUrl, call, connection } = calling
  const calls = callsOf<Redacted.Redacted<string>>(calling)
  const find = calls.services.get
  const { deploymentEvents, followEvents, logs, waitFor } = streamsOf(calling, find)
  const restart = makeRestart(connection, api)
  const exec = makeExec(connection)

  const { list: apps, ...ofApps } = calls.apps
  return {
    ...calls,
    ...ofApps,
    apps,
    apiUrl,
    health: Effect.asVoid(call(api.healthz({}))),
    ...makeDeploy(connection, api, deploymentEvents),
    deployments: { ...calls.deployments, events: deploymentEvents },
    events: { ...calls.events, follow: followEvents },
    waitFor,
    logs,
    services: {
      ...calls.services,
      exec: (name, command, options) => exec(find(name, options), command, options),
      restart: (name, options = {}) => restart(find(name, options), options)
    }
  }
}
