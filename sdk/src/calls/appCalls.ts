import { Effect } from "effect"
import type { AppStage, Deployment, DriftRecord, NetworkReport } from "../api/index.ts"
import type { CallError } from "../errors.ts"
import { type InStage, inApp, parseDeployment } from "../parse.ts"
import type { Calling } from "./Calling.ts"

/** Pods are started for it, and each probe has its own time. */
const longestVerification = 900

export const appCalls = ({ api, call }: Calling) => ({
  list: call<ReadonlyArray<AppStage>>(Effect.map(api.apps.list({}), (found) => found.apps)),

  /** Removes an app's stage with all of its services. */
  destroy: (app: string, options?: InStage): Effect.Effect<Deployment, CallError> =>
    inApp(app, options, (path) => call(api.apps.destroy({ path }))),

  /** Other people's changes to the app's objects in the cluster, newest first. */
  drift: (app: string, options?: InStage): Effect.Effect<ReadonlyArray<DriftRecord>, CallError> =>
    inApp(app, options, (path) => Effect.map(call(api.apps.drift({ path })), (found) => found.drift)),

  /** Probes from real pods what the network lets through, against what the config says. */
  verifyNetwork: (app: string, options?: InStage): Effect.Effect<NetworkReport, CallError> =>
    inApp(app, options, (path) => call(api.apps.verifyNetwork({ path }), longestVerification))
})

export const deploymentCalls = ({ api, call }: Calling) => ({
  get: (id: string): Effect.Effect<Deployment, CallError> =>
    Effect.flatMap(parseDeployment(id), (id) => call(api.deployments.get({ path: { id } }))),

  list: (app: string, options?: InStage): Effect.Effect<ReadonlyArray<Deployment>, CallError> =>
    inApp(app, options, (path) => Effect.map(call(api.apps.deployments({ path })), (found) => found.deployments))
})
