import type { ObjectKind } from "@maxcloud/config-schema"
import type { Manifest } from "@maxcloud/synth"
import { Effect } from "effect"
import { KubeApi, type KubeError } from "../../runtimes/kubeApi/KubeApi.ts"
import { type ApplyMode, applyObject, type Step } from "./applyObjects.ts"
import { ClusterProblem } from "./ClusterProblem.ts"
import { awaitGateway, restartKourier } from "./gatewayRollout.ts"
import { installManifests } from "./installManifests.ts"
import { knativeSettings } from "./knativeSettings.ts"
import { livePrefix, refuseOtherPrefix } from "./livePrefix.ts"
import { applySetting, readSettings, valueText } from "./liveSettings.ts"
import { prerequisites } from "./prerequisites.ts"
import { createServerSecret, hasServerSecret, hasServiceMonitors } from "./serverState.ts"

export interface InstallInput extends ApplyMode {
  readonly image: string | undefined
  /** Start the server from that image? @default no */
  readonly server?: boolean | undefined
  readonly domain: string | undefined
  /** The prefix of tenants' namespaces; undefined: the one the cluster already uses, or `mc-` if it has none yet. */
  readonly namespacePrefix: string | undefined
  /** Kinds of objects that apps may contain, as in the server's MAXCLOUD_MANIFESTS. @default none */
  readonly objects?: ReadonlyArray<ObjectKind> | undefined
  /** Leave Knative's settings unchanged? */
  readonly keepKnativeSettings: boolean
  /** Called for each object and setting once it's done. */
  readonly onStep: (step: InstallStep) => void
}

export interface InstallStep {
  /** `restarts`: something stops for a moment. Told before it happens. */
  readonly step: Step | "restarts"
  /** `ClusterRole maxcloud-server`, `config-network domain-template`. */
  readonly what: string
  /** A setting's former and present value. */
  readonly detail?: string
}

export const nameOf = ({ kind, metadata: { name, namespace } }: Manifest): string =>
  `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`

const rolling = "its instances are replaced one after the other, without a pause"
const downtime =
  "Kourier reads the authorizer's address only when it starts. From the change of config-kourier until it's back, the gateway refuses requests with 403"

const problemOf = (what: string) => (error: KubeError) => {
  if (error.reason === "conflict") {
    return new ClusterProblem({
      message: `${what} belongs to another field manager: ${error.causes.map((cause) => `${cause.message} (${cause.field})`).join("; ") || error.message}`,
      fix: "undo that change, or use --force to take over the fields"
    })
  }
  if (error.reason === "forbidden") {
    return new ClusterProblem({
      message: `${what}: ${error.message}`,
      fix: "use a kubeconfig of a cluster administrator"
    })
  }
  return new ClusterProblem({
    message: `${what}: ${error.message}`,
    fix: "fix the cause and run it again: it continues where it stopped"
  })
}

/** Creates everything that max-cloud needs on the cluster. Safe to repeat: it only updates what has changed. */
export const install = Effect.fn("install")(function* (input: InstallInput) {
  const { onStep } = input
  const api = yield* KubeApi
  if (input.server === true && input.image === undefined) {
    return yield* new ClusterProblem({
      message: "the server needs max-cloud's image",
      fix: "add --image REF, or leave out --server"
    })
  }
  yield* prerequisites
  const namespacePrefix = yield* livePrefix(input.namespacePrefix)
  if (!input.force) yield* refuseOtherPrefix(namespacePrefix)
  const settings = input.keepKnativeSettings
    ? []
    : yield* readSettings(
        knativeSettings({ domain: input.domain, gateway: input.image !== undefined, namespacePrefix })
      ).pipe(Effect.catchTag("KubeError", (error) => problemOf("Knative's settings")(error)))
  // Refuse before anything is created.
  for (const setting of settings)
    yield* applySetting(setting, { dryRun: true, force: input.force }).pipe(Effect.catchTag("KubeError", Effect.die))

  const server =
    input.server === true
      ? {
          hasServiceMonitors: yield* hasServiceMonitors.pipe(
            Effect.catchTag("KubeError", (error) => problemOf("the kinds of the cluster")(error))
          )
        }
      : undefined
  for (const manifest of installManifests({ image: input.image, namespacePrefix, objects: input.objects, server })) {
    const what = nameOf(manifest)
    const step = yield* applyObject(manifest, input).pipe(
      Effect.catchTag("KubeError", (error) => problemOf(what)(error))
    )
    onStep({ step, what, ...(manifest.kind === "Deployment" && step === "changed" ? { detail: rolling } : {}) })
  }
  if (input.image !== undefined && !input.dryRun) {
    yield* awaitGateway.pipe(Effect.catchTag("KubeError", (error) => problemOf("the gateway's authorizer")(error)))
  }
  let authorizerIsNew = false
  for (const setting of settings) {
    const what = `ConfigMap ${setting.configMap}: ${setting.key}`
    const step = yield* applySetting(setting, input).pipe(
      Effect.catchTag("KubeError", (error) => problemOf(what)(error))
    )
    authorizerIsNew ||= step === "changed" && setting.configMap === "config-kourier"
    onStep({
      step,
      what,
      detail: step === "unchanged" ? setting.value : `was ${valueText(setting)}, now "${setting.value}"`
    })
  }
  if (authorizerIsNew)
    onStep({ step: "restarts", what: "Deployment knative-serving/net-kourier-controller", detail: downtime })
  const kourierRestarted =
    !authorizerIsNew || input.dryRun
      ? true
      : yield* restartKourier.pipe(
          Effect.catchTag("KubeError", (error) => problemOf("Deployment net-kourier-controller")(error))
        )
  const secretMissing =
    server !== undefined &&
    !(yield* hasServerSecret.pipe(Effect.catchTag("KubeError", (error) => problemOf("the server's Secret")(error))))
  return {
    server: api.server,
    kourierRestarted,
    namespacePrefix,
    createSecret: secretMissing ? createServerSecret : undefined
  }
})
