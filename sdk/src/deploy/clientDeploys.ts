import { type AppSpecEncoded, isConfig, productionStage, type StageName } from "@maxcloud/config-schema"
import type { Config } from "@maxcloud/config-schema/authoring"
import { Effect, Option, Stream } from "effect"
import type { ServerFacts } from "../config/configFacts.ts"
import { evaluateInProcess } from "../config/evaluateInProcess.ts"
import { type LoadedConfig, loadConfig } from "../config/loadConfig.ts"
import type { CallError, ConfigInvalid } from "../errors.ts"
import type { OptionKinds } from "../input/options.ts"
import { parseOptions, parseStage } from "../input/parse.ts"
import { type MaxCloudService, restartOptions } from "../MaxCloud.ts"
import type { Abortable } from "../promises.ts"
import {
  type Deployable,
  type DeployOptions,
  type DeployProgress,
  deployOptions,
  type PrepareOptions
} from "./deployOptions.ts"
import type { PlanFile } from "./planFile.ts"
import { type RestartOptions, type RestartProgress, restarted } from "./restart.ts"

export interface InStage extends Abortable {
  /** @default "production" */
  readonly stage?: string | undefined
}

export interface InApp extends InStage {
  /** The service's app. Needed only if several apps have a service of this name in the stage. */
  readonly app?: string | undefined
}

/** The input of a deploy: a config's path, a loaded config, the result of `defineConfig`, an AppSpec as plain data, or an approved plan. */
export type DeployInput = string | LoadedConfig | Config | AppSpecEncoded | PlanFile

export interface RestartCall extends InApp, RestartOptions {
  readonly onProgress?: ((progress: RestartProgress) => void) | undefined
}

export interface PlanInput extends InStage, Pick<DeployOptions, "metadata"> {
  /** The folder that relative source paths start from. @default the config's folder, else the process's own */
  readonly folder?: string | undefined
}

export interface PlanCall extends PlanInput {
  /** Whether to request the manifests too. @default false */
  readonly manifests?: boolean | undefined
}

export interface PrepareCall extends PlanInput, Pick<PrepareOptions, "message" | "metadata" | "onProgress"> {}

export interface DeployCall
  extends PlanInput,
    Pick<DeployOptions, "idempotencyKey" | "detach" | "inPlace" | "plan" | "forceConflicts" | "message"> {
  readonly onProgress?: ((progress: DeployProgress) => void) | undefined
}

type Server = Effect.Effect<ServerFacts, CallError>

const { folder, metadata, stage, ...ofDeploy } = deployOptions
const planInput: OptionKinds<PlanInput> = { stage, folder, metadata, signal: "signal" }
const planOptions: OptionKinds<PlanCall> = { ...planInput, manifests: "flag" }
const prepareOptions: OptionKinds<PrepareCall> = { ...planInput, message: ofDeploy.message, onProgress: "function" }
const { onSources: _, ...deployed } = ofDeploy
const deployCall: OptionKinds<DeployCall> = { ...planInput, ...deployed, onProgress: "function" }
const { app, stage: inStage, ...ofRestart } = restartOptions
const restartCall: OptionKinds<RestartCall> = {
  app,
  stage: inStage,
  ...ofRestart,
  onProgress: "function",
  signal: "signal"
}

const deployable = (
  app: DeployInput,
  options: PlanInput,
  server: Server
): Effect.Effect<{ readonly app: Deployable; readonly stage: StageName | undefined }, ConfigInvalid | CallError> =>
  Effect.gen(function* () {
    const stage = options.stage === undefined ? undefined : yield* parseStage(options.stage)
    if (typeof app === "string") return { app: yield* loadConfig({ file: app, stage }, server), stage }
    if (isConfig(app)) return { app: yield* evaluateInProcess(app, stage ?? productionStage, server), stage }
    return { app, stage }
  })

/** The calls of a client with promises that take a config: a deploy, its plan, and a restart. */
export const clientDeploys = (cloud: MaxCloudService, server: Server) => {
  const deploy = (app: DeployInput, given: DeployCall | undefined) =>
    Effect.gen(function* () {
      const call = yield* parseOptions<DeployCall>(given, deployCall)
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
      const { onProgress, signal: _, ...options } = yield* parseOptions<RestartCall>(given, restartCall)
      const progress = cloud.services.restart(name, options)
      const last = yield* Stream.runLast(Stream.tap(progress, (each) => Effect.sync(() => onProgress?.(each))))
      if (Option.isNone(last)) return yield* Effect.dieMessage("a restart ended without a word")
      return last.value._tag === "accepted" ? last.value.restart.service : yield* restarted(last.value.service)
    })

  return { deploy, plan, preparePlan, restart }
}
