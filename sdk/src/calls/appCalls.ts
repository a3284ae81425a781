import { Effect } from "effect"
import {
  AppStageList,
  type Deployment,
  DeploymentList,
  DeploymentNumber,
  type DeploymentSpec,
  DriftList,
  type LeftAlone,
  type NetworkReport,
  type Outputs,
  Suspend,
  type Suspension
} from "../api/index.ts"
import type { CallError } from "../errors.ts"
import { type Described, parseDescribed } from "../input/described.ts"
import type { OptionKinds } from "../input/options.ts"
import { type InStage, inApp, parse, parseDeployment, parsed, parseOptions } from "../input/parse.ts"
import { CallKey } from "../transport/askAgain.ts"
import type { Calling } from "./Calling.ts"
import { listing, pageInApp, pageRequest } from "./listing.ts"

export interface AppFilter {
  readonly app?: string | undefined
  readonly stage?: string | undefined
}

export interface DeploymentFilter extends InStage, Pick<typeof DeploymentList.parameters.Type, "state" | "sort"> {}
export interface DriftFilter extends InStage, Pick<typeof DriftList.parameters.Type, "change" | "sort"> {}

/** Starting pods takes time, and each probe has its own timeout. */
const longestVerification = 900

export const appCalls = ({ api, call }: Calling) => ({
  /** Each stage of an app, with its newest deployment. */
  list: listing(AppStageList)((page, filter?: AppFilter) =>
    Effect.flatMap(pageRequest(AppStageList, filter, page), (urlParams) =>
      call(api.apps.list({ urlParams, withResponse: true }))
    )
  ),

  /** Removes an app's stage with all of its services and secrets. */
  destroy: (app: string, options?: InStage): Effect.Effect<Deployment, CallError> =>
    inApp(app, options, (path) => call(api.apps.destroy({ path }))),

  /** The `outputs` of the app's config, from the newest successful deployment. */
  outputs: (app: string, options?: InStage): Effect.Effect<Outputs, CallError> =>
    inApp(app, options, (path) => call(api.apps.outputs({ path }))),

  /** Other people's changes to the app's objects in the cluster, newest first. */
  drift: listing(DriftList)((page, app: string, options?: DriftFilter) =>
    pageInApp(DriftList, page, app, options, (request) => call(api.apps.drift({ ...request, withResponse: true })))
  ),

  /** Fields that others added to the app's objects in the cluster and that max-cloud doesn't revert. */
  leftAlone: (app: string, options?: InStage): Effect.Effect<LeftAlone, CallError> =>
    inApp(app, options, (path) => call(api.apps.leftAlone({ path }))),

  /** Whether max-cloud leaves the app's objects in the cluster as others change them; null: no. */
  suspension: (app: string, options?: InStage): Effect.Effect<Suspension | null, CallError> =>
    inApp(app, options, (path) => Effect.map(call(api.apps.suspension({ path })), (found) => found.suspension)),

  /** Stops the repair of the app's objects for `seconds`. Returns when nothing is being repaired any more. */
  suspend: (app: string, suspend: typeof Suspend.Encoded, options?: InStage): Effect.Effect<Suspension, CallError> =>
    parsed(Suspend, suspend, (payload) => inApp(app, options, (path) => call(api.apps.suspend({ path, payload })))),

  /** What others have changed meanwhile is reverted. */
  endSuspension: (app: string, options?: InStage): Effect.Effect<void, CallError> =>
    inApp(app, options, (path) => call(api.apps.endSuspension({ path }))),

  /** Probes from real pods which connections the network allows, and compares that with the config. */
  verifyNetwork: (app: string, options?: InStage): Effect.Effect<NetworkReport, CallError> =>
    inApp(app, options, (path) => call(api.apps.verifyNetwork({ path }), longestVerification))
})

const parseNumber = parse(DeploymentNumber)

export interface RollbackOptions extends InStage, Described {
  /** Two calls with the same key are carried out once. @default a new one each time */
  readonly idempotencyKey?: string | undefined
}

const rollbackOptions: OptionKinds<RollbackOptions> = {
  stage: "text",
  message: "text",
  metadata: "any",
  idempotencyKey: "text"
}

export const deploymentCalls = ({ api, call }: Calling) => ({
  get: (id: string): Effect.Effect<Deployment, CallError> =>
    Effect.flatMap(parseDeployment(id), (id) => call(api.deployments.get({ path: { id } }))),

  /** The deployment with this number of an app and stage. */
  byNumber: (app: string, number: number, options?: InStage): Effect.Effect<Deployment, CallError> =>
    inApp(app, options, (path) =>
      Effect.flatMap(parseNumber(number), (number) => call(api.apps.deployment({ path: { ...path, number } })))
    ),

  /** Newest first. */
  list: listing(DeploymentList)((page, app: string, options?: DeploymentFilter) =>
    pageInApp(DeploymentList, page, app, options, (request) =>
      call(api.apps.deployments({ ...request, withResponse: true }))
    )
  ),

  /** The app of the deployment with this number, as the server accepted it. Secrets are references. */
  spec: (app: string, number: number, options?: InStage): Effect.Effect<DeploymentSpec, CallError> =>
    inApp(app, options, (path) =>
      Effect.flatMap(parseNumber(number), (number) => call(api.apps.deploymentSpec({ path: { ...path, number } })))
    ),

  /** Cancels a deployment that hasn't finished: the app returns to its last successful one. Safe to repeat. */
  cancel: (app: string, number: number, options?: InStage): Effect.Effect<Deployment, CallError> =>
    inApp(app, options, (path) =>
      Effect.flatMap(parseNumber(number), (number) => call(api.apps.cancel({ path: { ...path, number } })))
    ),

  /** Deploys the app of an earlier deployment again, with its images by digest and its versions of secrets. Returns when it is accepted. */
  rollback: (app: string, number: number, options?: RollbackOptions): Effect.Effect<Deployment, CallError> =>
    Effect.flatMap(parseOptions<RollbackOptions>(options, rollbackOptions), ({ idempotencyKey, stage, ...described }) =>
      inApp(app, { stage }, (path) =>
        Effect.gen(function* () {
          const payload = { fromDeployment: yield* parseNumber(number), ...(yield* parseDescribed(described)) }
          return yield* call(
            api.apps.deploy({ path, headers: {}, payload: { ...payload, forceConflicts: false } })
          ).pipe(Effect.provideService(CallKey, idempotencyKey))
        })
      )
    )
})
