import { Effect, Layer } from "effect"
import { Images } from "./Images.ts"

/** A fake for tests unrelated to images: it asks nobody, and everything is fine. */
export const layerNone = Layer.succeed(Images, {
  resolve: () => Effect.succeed({ images: new Map(), problems: [], warnings: [] })
})
