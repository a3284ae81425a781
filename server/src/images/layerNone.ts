import { Effect, Layer } from "effect"
import { Images } from "./Images.ts"

/** Asks no registry: for the local runtime, whose container engine resolves images when it pulls them. */
export const layerNone = Layer.succeed(Images, {
  resolve: () => Effect.succeed({ images: new Map(), problems: [] })
})
