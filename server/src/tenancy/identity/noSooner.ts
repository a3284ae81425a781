import { Effect } from "effect"
import type { IdentityOptions } from "./IdentityOptions.ts"

const signInFloorMs = 300

/** The same work takes longer with an account or without one: the minimum duration exceeds both. */
export const noSooner = <A, E>(options: IdentityOptions, effect: Effect.Effect<A, E>) =>
  Effect.map(
    Effect.all([effect, Effect.sleep(`${options.signInFloorMs ?? signInFloorMs} millis`)], { concurrency: 2 }),
    ([result]) => result
  )
