import type { Forbidden, TooManyRequests, Unauthenticated, Unavailable } from "@maxcloud/sdk/api"
import { Context, Effect } from "effect"

/** Rechecks, for long-lived requests, whether the caller may still do this. Set by the gate. */
export class StillAllowed extends Context.Reference<StillAllowed>()("@maxcloud/server/StillAllowed", {
  defaultValue: (): Effect.Effect<void, Unauthenticated | Forbidden | TooManyRequests | Unavailable> => Effect.void
}) {}
