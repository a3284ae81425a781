import { Effect } from "effect"
import {
  type AppStage,
  type Deployment,
  DeploymentNumber,
  type DeploymentSpec,
  type DriftRecord,
  type NetworkReport,
  type Outputs
} from "../api/index.ts"
import { type Described, parseDescribed } from "../described.ts"
import type { CallError } from "../errors.ts"
import { type InStage, inApp, parse, parseDeployment } from "../parse.ts"
import type { Calling } from "./Calling.ts"

/** Pods are started for it, and each probe has its own time. */
const longestVerification = 900

export const appCalls = ({ api, call }: Calling) => ({
  list: call<ReadonlyArray<AppStage>>(Effect.map(api.apps.list({}), (found) => found.apps)),

  /** Removes an app's stage with all of its services and secrets. */
  destroy: (app: string, options?: InStage): Effect.Effect<Deployment, CallError> =>
    inApp(app, options, (path) => call(api.apps.destroy({ path }))),

  /** What the app's config lists in `outputs`, of the newest deployment that succeeded. */
  outputs: (app: string, options?: InStage): Effect.Effect<Outputs, CallError> =>
    inApp(app, options, (path) => call(api.apps.outputs({ path }))),

  /** Other people's changes to the app's objects in the cluster, newest first. */
  drift: (app: string, options?: InStage): Effect.Effect<ReadonlyArray<DriftRecord>, CallError> =>
    inApp(app, options, (path) => Effect.map(call(api.apps.drift({ path })), (found) => found.drift)),

  /** Probes from real pods what the network lets through, against what the config says. */
  verifyNetwork: (app: string, options?: InStage): Effect.Effect<NetworkReport, CallError> =>
    inApp(app, options, (path) => call(api.apps.verifyNetwork({ path }), longestVerification))
})

const parseNumber = parse(DeploymentNumber)

export interface RollbackOptions extends InStage, Described {
  /** Two calls with the same key are one. @default a new one each time */
  readonly idempotencyKey?: string | undefined
}

export const deploymentCalls = ({ api, call }: Calling) => ({
  get: (id: string): Effect.Effect<Deployment, CallError> =>
    Effect.flatMap(parseDeployment(id), (id) => call(api.deployments.get({ path: { id } }))),

  list: (app: string, options?: InStage): Effect.Effect<ReadonlyArray<Deployment>, CallError> =>
    inApp(app, options, (path) => Effect.map(call(api.apps.deployments({ path })), (found) => found.deployments)),

  /** The app of the deployment with this number as it was accepted; secrets are references. */
  spec: (app: string, number: number, options?: InStage): Effect.Effect<DeploymentSpec, CallError> =>
    inApp(app, options, (path) =>
      Effect.flatMap(parseNumber(number), (number) => call(api.apps.deploymentSpec({ path: { ...path, number } })))
    ),

  /** Ends a deployment that hasn't finished: the app goes back to its last successful one. Safe to repeat. */
  cancel: (app: string, number: number, options?: InStage): Effect.Effect<Deployment, CallError> =>
    inApp(app, options, (path) =>
      Effect.flatMap(parseNumber(number), (number) => call(api.apps.cancel({ path: { ...path, number } })))
    ),

  /** Deploys the app of an earlier deployment again, with its images by digest and its versions of secrets. Answers when it is accepted. */
  rollback: (app: string, number: number, options: RollbackOptions = {}): Effect.Effect<Deployment, CallError> =>
    inApp(app, options, (path) =>
      Effect.gen(function* () {
        const payload = { fromDeployment: yield* parseNumber(number), ...(yield* parseDescribed(options)) }
        const key = options.idempotencyKey ?? crypto.randomUUID()
        return yield* call(
          api.apps.deploy({ path, headers: { "idempotency-key": key }, payload: { ...payload, forceConflicts: false } })
        )
      })
    )
})
