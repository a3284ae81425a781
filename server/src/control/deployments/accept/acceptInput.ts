import type { DeploymentKind, DeploymentMetadata, PlanId } from "@maxcloud/sdk/api"
import { Data } from "effect"
import type { Target } from "../../../base/words/Target.ts"
import type { ReadSpec } from "../diff/changes.ts"
import type { PlanContent } from "../plans/planId.ts"
import type { Inspected } from "../validate/inspectSpec.ts"

/** Another deployment of the app and stage was accepted since the caller looked. */
export class Outrun extends Data.TaggedError("Outrun") {}

/** What a deployment is from, besides its app. */
export interface Origin {
  readonly kind: DeploymentKind
  /** Of a `rollback`: the number of the deployment whose app it has. */
  readonly from?: number | undefined
  readonly message?: string | undefined
  readonly metadata?: DeploymentMetadata | undefined
}

/** What a caller asks for: the same idempotency key with another request is a mistake. */
export interface Requested extends Target, ReadSpec {
  readonly origin: Origin
  /** Take fields that other managers hold. */
  readonly forceConflicts?: boolean | undefined
  /** The plan that the deployment has to be. */
  readonly planId?: PlanId | undefined
}

export interface AcceptInput extends Requested, Inspected {
  /** What the deployment would be now, if there is a `planId`. */
  readonly planContent?: PlanContent | undefined
  /** Reuses the secret versions of an earlier deployment: no secret is read again from a store. */
  readonly keepsVersions?: boolean | undefined
  /** The stage is destroyed: its secrets go, too. */
  readonly unsetsSecrets?: boolean | undefined
  /** It puts back what a cancelled deployment has changed: no quota is in its way. */
  readonly restores?: boolean | undefined
  /** Policies of the organization that it breaks and passes all the same. */
  readonly passed?: ReadonlyArray<string> | undefined
  /** Number of the newest deployment that the caller knows; another one makes this `Outrun`. */
  readonly after?: number | undefined
}
