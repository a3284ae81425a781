import type { AppName, StageName } from "@maxcloud/config-schema"
import type {
  AppStage,
  Conflict,
  CreateService,
  Deployment,
  DeploymentEvent,
  DeploymentId,
  DeploymentMetadata,
  DeploymentSpec,
  InvalidRequest,
  InvalidSpec,
  LeftAlone,
  NotFound,
  Page,
  Plan,
  PlanId,
  PlanOutdated,
  PolicyChange,
  PolicyTrial,
  QuotaExceeded,
  Service,
  ServiceId,
  SetPolicy,
  TryPolicy,
  Unavailable
} from "@maxcloud/sdk/api"
import { Context, type Effect, type Stream } from "effect"
import type { Organization } from "../../base/words/Organization.ts"
import type { pageOfApps, pageOfDeployments } from "./records/deploymentPages.ts"

export interface DeployInput {
  readonly organization: Organization
  readonly app: AppName
  readonly stage: StageName
  /** What to deploy: an AppSpec not yet parsed, or the number of an earlier deployment of this app and stage. */
  readonly from: { readonly spec: unknown } | { readonly deployment: number }
  readonly message?: string | undefined
  readonly metadata?: DeploymentMetadata | undefined
  /** The plan that the deployment must match. If it no longer does, this fails with `PlanOutdated`. */
  readonly plan?: PlanId | undefined
  /** Take fields from other managers of the cluster's objects that hold them. @default false */
  readonly forceConflicts?: boolean | undefined
}

/** Accepted AppSpecs. Every method sees only the given organization. */
export class Deployments extends Context.Tag("@maxcloud/server/Deployments")<
  Deployments,
  {
    /** Accepts a deployment. When it returns, the deployment is durable and will be carried out. */
    readonly accept: (
      input: DeployInput
    ) => Effect.Effect<Deployment, NotFound | InvalidSpec | Conflict | PlanOutdated | QuotaExceeded | Unavailable>
    /** The changes that `accept` would make. Fails only if the spec can't be parsed; other issues are listed in `problems`. */
    readonly plan: (
      input: Pick<DeployInput, "organization" | "app" | "stage" | "metadata"> & {
        readonly spec: unknown
        readonly withManifests?: boolean | undefined
      }
    ) => Effect.Effect<Plan, InvalidSpec | Unavailable>
    /** An app of one service, in the stage `production`. */
    readonly createService: (
      organization: Organization,
      input: CreateService
    ) => Effect.Effect<Service, InvalidSpec | Conflict | QuotaExceeded | Unavailable>
    /** Deploys the service's app without it. Refused if another service of the app links to it. */
    readonly deleteService: (
      organization: Organization,
      id: ServiceId
    ) => Effect.Effect<Deployment, NotFound | InvalidSpec | Unavailable>
    /**
     * Removes every service of the app in this stage, and unsets its secrets: a deployment of no services. `keepsSecrets`: the stage may be
     * deployed again as it was. A `Conflict` if another app uses one of the services.
     */
    readonly destroy: (
      organization: Organization,
      app: AppName,
      stage: StageName,
      options?: { readonly keepsSecrets?: boolean | undefined }
    ) => Effect.Effect<Deployment, NotFound | Conflict | Unavailable>
    /** Cancels an unfinished deployment, and restores the app's last successful deployment. Idempotent. */
    readonly cancel: (
      organization: Organization,
      app: AppName,
      stage: StageName,
      number: number
    ) => Effect.Effect<Deployment, NotFound | Conflict | Unavailable>
    /** The outputs of the newest successful deployment, by name. */
    readonly outputs: (
      organization: Organization,
      app: AppName,
      stage: StageName
    ) => Effect.Effect<Readonly<Record<string, string>>, NotFound | Unavailable>
    /** Fields that others added to the app's objects in the cluster and that are left alone. */
    readonly leftAlone: (
      organization: Organization,
      app: AppName,
      stage: StageName
    ) => Effect.Effect<LeftAlone, NotFound | Unavailable>
    /** A policy's findings in the currently deployed apps. */
    readonly tryPolicy: (
      organization: Organization,
      policy: { readonly name: string } & SetPolicy
    ) => Effect.Effect<Pick<PolicyChange, "tried" | "breaches">, Unavailable>
    /** An expression's findings in an app that isn't deployed. */
    readonly testPolicy: (
      organization: Organization,
      input: TryPolicy
    ) => Effect.Effect<PolicyTrial, InvalidRequest | InvalidSpec | Unavailable>
    readonly get: (organization: Organization, id: DeploymentId) => Effect.Effect<Deployment, NotFound | Unavailable>
    readonly byNumber: (
      organization: Organization,
      app: AppName,
      stage: StageName,
      number: number
    ) => Effect.Effect<Deployment, NotFound | Unavailable>
    /** The app of the deployment with this number, as it was accepted. */
    readonly spec: (
      organization: Organization,
      app: AppName,
      stage: StageName,
      number: number
    ) => Effect.Effect<DeploymentSpec, NotFound | Unavailable>
    readonly page: (
      ...asked: Parameters<typeof pageOfDeployments>
    ) => Effect.Effect<Page<Deployment>, InvalidRequest | NotFound | Unavailable>
    /** The apps and stages that have a service or an unfinished deployment, each with its newest deployment. */
    readonly apps: (
      ...asked: Parameters<typeof pageOfApps>
    ) => Effect.Effect<Page<AppStage>, InvalidRequest | Unavailable>
    /** The events after `afterId` (0: all), then new ones; ends after `finished`. */
    readonly events: (
      organization: Organization,
      id: DeploymentId,
      afterId: number
    ) => Effect.Effect<Stream.Stream<DeploymentEvent, Unavailable>, NotFound | Unavailable>
  }
>() {}
