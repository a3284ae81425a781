import { Effect, Layer } from "effect"
import { Images } from "./Images.ts"

/** A fake for tests of what is not about images: it asks nobody, and nothing is wrong. */
export const layerNone = Layer.succeed(Images, {
  resolve: () => Effect.succeed({ images: new Map(), problems: [], warnings: [] })
})
