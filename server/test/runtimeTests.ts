import { afterAll, beforeAll, it } from "@effect/vitest"
import { Effect, type Layer, ManagedRuntime } from "effect"

/** Tests of one file that share a layer: it's built before the first and closed after the last. */
export const runtimeTests = <R, E>(layer: Layer.Layer<R, E>) => {
  const server = ManagedRuntime.make(layer)
  beforeAll(() => server.runPromise(Effect.void))
  afterAll(() => server.dispose())
  const test = (name: string, effect: Effect.Effect<unknown, unknown, R>) => it(name, () => server.runPromise(effect))
  return { server, run: server.runPromise, test }
}
