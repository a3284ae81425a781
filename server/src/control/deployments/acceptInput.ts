import type { DeploymentKind, DeploymentMetadata } from "@maxcloud/sdk/api"
import { Data } from "effect"
import type { Target } from "../../base/words/Target.ts"
import type { Inspected } from "./inspectSpec.ts"

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

export interface AcceptInput extends Target, Inspected {
  readonly origin: Origin
  readonly idempotencyKey?: string | undefined
  /** Take fields that other managers hold. */
  readonly forceConflicts?: boolean | undefined
  /** Reuses the secret versions of an earlier deployment: no secret is read again from a store. */
  readonly keepsVersions?: boolean | undefined
  /** The stage is destroyed: its secrets go, too. */
  readonly unsetsSecrets?: boolean | undefined
  /** It puts back what a cancelled deployment has changed: no quota is in its way. */
  readonly restores?: boolean | undefined
  /** Number of the newest deployment that the caller knows; another one makes this `Outrun`. */
  readonly after?: number | undefined
}
