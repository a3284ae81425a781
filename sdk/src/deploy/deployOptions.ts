import type { AppSpecEncoded, ServiceName } from "@maxcloud/config-schema"
import { Predicate } from "effect"
import type { Deployment, DeploymentEvent } from "../api/index.ts"
import type { LoadedConfig } from "../config/loadConfig.ts"
import type { Described } from "../input/described.ts"
import type { OptionKinds } from "../input/options.ts"
import type { SnapshotCut } from "../source/snapshot.ts"
import type { PlanFile } from "./planFile.ts"

export interface DeployOptions extends Described {
  /** A loaded config has its own, so any other is an `InvalidRequest`. @default the loaded config's own, else "production" */
  readonly stage?: string | undefined
  /** The folder that relative source paths start from. @default the config's folder, else the process's own */
  readonly folder?: string | undefined
  /** Two deploys with the same key are carried out once. @default a new one each time */
  readonly idempotencyKey?: string | undefined
  /** End with `accepted`, without watching the deployment. @default false */
  readonly detach?: boolean | undefined
  /** Run sources in their folders instead of uploading them (except folders that only have a Dockerfile). Needs a server on this machine that allows it. @default false */
  readonly inPlace?: boolean | undefined
  /** The `id` of a plan, to deploy exactly that plan. `PlanOutdated` if something else would be applied by now. */
  readonly plan?: string | undefined
  /** Take over fields that another manager has set on the app's objects in the cluster. Otherwise such a conflict fails the deploy. @default false */
  readonly forceConflicts?: boolean | undefined
  /** Called with the contents of each source, after reading it and before sending anything. */
  readonly onSources?: ((sources: ReadonlyArray<SourceReport>) => void) | undefined
}

export interface PlanOptions extends DeployOptions {
  /** Whether to request the manifests too. @default false */
  readonly manifests?: boolean | undefined
}

export interface PrepareOptions extends DeployOptions {
  /** Called for each uploaded source. */
  readonly onProgress?: ((progress: DeployProgress) => void) | undefined
}

/** The files to send for the source of some services. */
export interface SourceReport {
  readonly services: ReadonlyArray<ServiceName>
  /** The absolute path of the source folder, or of the root of the workspace that it was cut from. */
  readonly folder: string
  readonly files: number
  /** Unpacked. */
  readonly bytes: number
  readonly cut?: SnapshotCut
  /** Files left out because they are secret by convention. */
  readonly leftOut: ReadonlyArray<string>
}

/** The progress of a deploy. */
export type DeployProgress =
  | {
      readonly _tag: "uploading"
      readonly services: ReadonlyArray<ServiceName>
      readonly folder: string
      readonly digest: string
      readonly files: number
      /** Unpacked. */
      readonly bytes: number
    }
  | { readonly _tag: "accepted"; readonly deployment: Deployment }
  | { readonly _tag: "event"; readonly event: DeploymentEvent }
  | { readonly _tag: "finished"; readonly deployment: Deployment }

/** The input of a deploy: a loaded config, an AppSpec as plain data, or an approved plan. */
export type Deployable = LoadedConfig | AppSpecEncoded | PlanFile

export const isLoaded = (app: Deployable): app is LoadedConfig =>
  Predicate.hasProperty(app, "locate") && Predicate.hasProperty(app, "policies")

export const deployOptions: OptionKinds<DeployOptions> = {
  stage: "text",
  folder: "text",
  idempotencyKey: "text",
  detach: "flag",
  inPlace: "flag",
  plan: "text",
  forceConflicts: "flag",
  message: "text",
  metadata: "any",
  onSources: "function"
}
export const planOptions: OptionKinds<PlanOptions> = { ...deployOptions, manifests: "flag" }
export const prepareOptions: OptionKinds<PrepareOptions> = { ...deployOptions, onProgress: "function" }
