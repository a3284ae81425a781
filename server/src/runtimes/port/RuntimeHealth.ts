import type { ReadinessCheck } from "@maxcloud/sdk/api"
import { Context, Effect, Layer } from "effect"

/** Can the runtime do its work now? */
export class RuntimeHealth extends Context.Tag("@maxcloud/server/RuntimeHealth")<
  RuntimeHealth,
  {
    /** What the runtime depends on. Answers at once, from what it already knows. */
    readonly checks: Effect.Effect<ReadonlyArray<ReadinessCheck>>
  }
>() {}

/** For a runtime that depends on nothing else. */
export const layerNone = Layer.succeed(RuntimeHealth, { checks: Effect.succeed([]) })
