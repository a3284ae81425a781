import { Schema } from "effect"
import { openEnum } from "./openEnum.ts"
import { TextOrNull } from "./textOrNull.ts"
import { Time } from "./time.ts"

/** A condition as Knative has them: `reason` is a word in CamelCase, `message` a sentence. Only (type, status, reason) together is a key. */
export const Condition = Schema.Struct({
  type: Schema.String,
  status: openEnum("true", "false", "unknown"),
  reason: TextOrNull,
  message: TextOrNull,
  /** When `status` last became another. */
  changedAt: Time
}).annotations({ identifier: "Condition" })
export interface Condition extends Schema.Schema.Type<typeof Condition> {}

/**
 * `pending`: on its way; `ready`: instances serve; `idle`: at zero, the next request starts one; `waking`: that is happening;
 * `failed`: the newest revision does not serve (an older one may, see `latestReadyRevision`); `degraded`: was ready, its instances fail now;
 * `paused`: stopped by `pause`, requests are answered 503; `deleting`: being removed.
 */
export const ServiceState = Schema.Literal(
  "pending",
  "ready",
  "idle",
  "waking",
  "failed",
  "degraded",
  "paused",
  "deleting"
)
export type ServiceState = typeof ServiceState.Type
