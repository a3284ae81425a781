import type { Forbidden, TooManyRequests, Unauthenticated, Unavailable } from "@maxcloud/sdk/api"
import { Context, Effect } from "effect"

/** Asks again whether the caller may do what this request does, for requests that last. Set by the gate. */
export class StillAllowed extends Context.Reference<StillAllowed>()("@maxcloud/server/StillAllowed", {
  defaultValue: (): Effect.Effect<void, Unauthenticated | Forbidden | TooManyRequests | Unavailable> => Effect.void
}) {}
