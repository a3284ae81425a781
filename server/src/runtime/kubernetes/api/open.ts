import { Data, Effect, type Scope } from "effect"
import type { Connections } from "./connections.ts"
import { type Answer, NoAnswer, noAnswer, optionsOf, retryAfterOf } from "./exchange.ts"
import type { KubeRequest } from "./KubeApi.ts"

/** An answer that is read as it comes. */
export interface OpenAnswer {
  /** The next piece; undefined at the end. */
  readonly next: Effect.Effect<Uint8Array | undefined, NoAnswer>
}

/** The answer is a refusal. */
export class Refused extends Data.TaggedError("Refused")<{ readonly answer: Answer }> {}

const openMillis = 30_000
const maxRefusalBytes = 1024 * 1024

/** Opens an answer without an end of its own. It is cut with the scope, and when no byte came for `silenceMillis` (0: never). */
export const open = (
  connections: Connections,
  request: KubeRequest,
  silenceMillis: number
): Effect.Effect<OpenAnswer, NoAnswer | Refused, Scope.Scope> =>
  Effect.gen(function* () {
    const cut = yield* Effect.acquireRelease(
      Effect.sync(() => new AbortController()),
      (controller) => Effect.sync(() => controller.abort())
    )
    const { body, headers, statusCode } = yield* Effect.tryPromise({
      try: () =>
        connections.streams.request({
          ...optionsOf(connections, request),
          signal: cut.signal,
          headersTimeout: openMillis,
          bodyTimeout: silenceMillis
        }),
      catch: noAnswer
    })
    // Cut while nobody reads it, it emits an error.
    body.on("error", () => undefined)
    const pieces: AsyncIterator<unknown> = body[Symbol.asyncIterator]()
    const next: OpenAnswer["next"] = Effect.tryPromise({ try: () => pieces.next(), catch: noAnswer }).pipe(
      Effect.flatMap(({ done, value }) => {
        if (done === true) return Effect.succeed(undefined)
        return value instanceof Uint8Array
          ? Effect.succeed(value)
          : Effect.fail(new NoAnswer({ code: "", message: "the answer is no bytes", unsent: false }))
      })
    )
    if (statusCode < 300) return { next }
    const read: Array<Uint8Array> = []
    for (let bytes = 0; bytes < maxRefusalBytes; ) {
      const piece = yield* next
      if (piece === undefined) break
      bytes += piece.length
      read.push(piece)
    }
    return yield* new Refused({
      answer: {
        status: statusCode,
        text: Buffer.concat(read).toString("utf8"),
        retryAfterMillis: retryAfterOf(headers)
      }
    })
  })
