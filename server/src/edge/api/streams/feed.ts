import { Chunk, Effect, Mailbox, Option, type Scope, Stream } from "effect"

/**
 * A stream fed by some fibers while it is read. Merging and interrupting streams with operators takes more memory, because each
 * operator keeps its own channels and fibers (40 and 18 for a followed log, where this needs 17 and 7), and followers stay for
 * hours.
 */
export const fed = <A, E, R>(
  feed: (out: Mailbox.Mailbox<A, E>) => Effect.Effect<void, never, R | Scope.Scope>
): Stream.Stream<A, E, Exclude<R, Scope.Scope>> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const out = yield* Effect.acquireRelease(Mailbox.make<A, E>(1), (found) => found.shutdown)
      yield* feed(out)
      return Mailbox.toStream(out)
    })
  )

/** Runs a stream to its end and emits each of its chunks, with a single chain of channels. */
export const eachChunk = <A, E, R, R2>(
  stream: Stream.Stream<A, E, R>,
  use: (chunk: ReadonlyArray<A>) => Effect.Effect<unknown, never, R2>
): Effect.Effect<void, E, R | R2> =>
  Effect.scoped(
    Effect.flatMap(Stream.toPull(stream), (pull) =>
      Effect.forever(Effect.flatMap(pull, (chunk) => use(Chunk.toReadonlyArray(chunk))))
    )
  ).pipe(Effect.catchAll(Option.match({ onNone: () => Effect.void, onSome: (error) => Effect.fail(error) })))
