import { Schema } from "effect"
import { openEnum } from "./openEnum.ts"
import { TextOrNull } from "./textOrNull.ts"
import { Time } from "./time.ts"

/** A condition like Knative's: `reason` is in CamelCase, `message` is a sentence. Only (type, status, reason) together identify it. */
export const Condition = Schema.Struct({
  type: Schema.String,
  status: openEnum("true", "false", "unknown"),
  reason: TextOrNull,
  message: TextOrNull,
  /** When `status` last changed. */
  changedAt: Time
}).annotations({ identifier: "Condition" })
export interface Condition extends Schema.Schema.Type<typeof Condition> {}

/**
 * `pending`: not ready yet; `ready`: instances serve; `idle`: scaled to zero, the next request starts an instance; `waking`: that instance is
 * starting; `failed`: the newest revision doesn't serve (an older one may, see `latestReadyRevision`); `degraded`: it was ready, but its
 * instances fail now; `paused`: stopped by `pause`, requests get 503; `restoring`: the cluster has lost it, and the server brings it back;
 * `deleting`: being removed.
 */
export const ServiceState = Schema.Literal(
  "pending",
  "ready",
  "idle",
  "waking",
  "failed",
  "degraded",
  "paused",
  "restoring",
  "deleting"
)
export type ServiceState = typeof ServiceState.Type
