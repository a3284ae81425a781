import { Effect, Layer } from "effect"
import { SourceStore } from "../src/stores/sources/SourceStore.ts"

/** A store without sources, for tests of images and commands. */
export const noSources = Layer.succeed(SourceStore, {
  find: () => Effect.dieMessage("unused"),
  put: () => Effect.dieMessage("unused"),
  built: () => Effect.dieMessage("unused"),
  isWhole: () => Effect.succeed(true)
})
