import type { DeploymentKind, DeploymentMetadata, PlanId } from "@maxcloud/sdk/api"
import { Data } from "effect"
import type { Target } from "../../../base/words/Target.ts"
import type { ReadSpec } from "../diff/changes.ts"
import type { PlanContent } from "../plans/planId.ts"
import type { Inspected } from "../validate/inspectSpec.ts"

/** Another deployment of the app and stage was accepted since the caller looked. */
export class Outrun extends Data.TaggedError("Outrun") {}

/** The origin of a deployment, besides its app. */
export interface Origin {
  readonly kind: DeploymentKind
  /** For a `rollback`: the number of the deployment whose app is deployed. */
  readonly from?: number | undefined
  readonly message?: string | undefined
  readonly metadata?: DeploymentMetadata | undefined
}

/** The caller's request: reusing an idempotency key for another request is a mistake. */
export interface Requested extends Target, ReadSpec {
  readonly origin: Origin
  /** Take fields that other managers hold. */
  readonly forceConflicts?: boolean | undefined
  /** The plan that the deployment must match. */
  readonly planId?: PlanId | undefined
}

export interface AcceptInput extends Requested, Inspected {
  /** What the deployment would be now, if there is a `planId`. */
  readonly planContent?: PlanContent | undefined
  /** Reuses the secret versions of an earlier deployment: no secret is read again from a store. */
  readonly keepsVersions?: boolean | undefined
  /** The stage is destroyed, with its secrets. */
  readonly unsetsSecrets?: boolean | undefined
  /** It restores what a cancelled deployment changed, so quotas don't apply. */
  readonly restores?: boolean | undefined
  /** Policies of the organization that it violates but that let it pass. */
  readonly passed?: ReadonlyArray<string> | undefined
  /** Number of the newest deployment that the caller knows. If there is a newer one, this fails with `Outrun`. */
  readonly after?: number | undefined
}
