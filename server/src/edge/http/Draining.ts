import { Context, Deferred, Effect, Layer } from "effect"

/** Signals endless answers that the server is about to stop. */
export class Draining extends Context.Tag("@maxcloud/server/Draining")<
  Draining,
  { readonly begin: Effect.Effect<void>; readonly begun: Effect.Effect<void> }
>() {
  static readonly layer = Layer.effect(
    Draining,
    Effect.map(Deferred.make<void>(), (deferred) => ({
      begin: Effect.asVoid(Deferred.succeed(deferred, undefined)),
      begun: Deferred.await(deferred)
    }))
  )
}
