import { setTimeout as sleep } from "node:timers/promises"
import { Effect, Layer } from "effect"
import { Runtime } from "../../src/runtimes/port/Runtime.ts"

/** Applies take a moment, so that kills hit them. */
export const slowly = (runtime: Layer.Layer<Runtime>, millis: () => number) =>
  Layer.effect(
    Runtime,
    Effect.map(Runtime, (found): Runtime["Type"] => ({
      ...found,
      apply: (...args) =>
        Effect.zipRight(
          Effect.promise(() => sleep(millis())),
          found.apply(...args)
        )
    }))
  ).pipe(Layer.provide(runtime))
