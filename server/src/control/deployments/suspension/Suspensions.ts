import type { InvalidSpec, NotFound, Suspend, Suspension, Unavailable } from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"
import type { Target } from "../../../base/words/Target.ts"

/** Suspends the repair of an app's objects: for a hotfix with `kubectl`, which max-cloud would otherwise revert at once. */
export class Suspensions extends Context.Tag("@maxcloud/server/Suspensions")<
  Suspensions,
  {
    /** null: it isn't suspended. */
    readonly get: (target: Target) => Effect.Effect<Suspension | null, NotFound | Unavailable>
    /**
     * Durable when it returns, and then nothing repairs the app any more. `Unavailable`: durable, but a repair may be under way.
     * `InvalidSpec`: nothing repairs the objects of this runtime.
     */
    readonly suspend: (
      target: Target,
      input: Suspend
    ) => Effect.Effect<Suspension, NotFound | InvalidSpec | Unavailable>
    /** Idempotent. The app's objects are repaired soon after. */
    readonly end: (target: Target) => Effect.Effect<void, NotFound | Unavailable>
  }
>() {}
