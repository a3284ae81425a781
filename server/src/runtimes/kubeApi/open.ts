import type { Readable } from "node:stream"
import { retryAfterMs } from "@maxcloud/config-schema/plain"
import { Data, Effect, type Scope } from "effect"
import { guardedBy } from "../../base/node/guarded.ts"
import type { Connections } from "./connections.ts"
import type { KubeRequest } from "./KubeApi.ts"
import { type Answer, longestPauseMs, NoAnswer, noAnswer, optionsOf } from "./roundTrip.ts"

/** A streamed answer. */
export interface OpenAnswer {
  /** The next chunk; undefined at the end. */
  readonly next: Effect.Effect<Uint8Array | undefined, NoAnswer>
}

/** The API server refused. */
export class Refused extends Data.TaggedError("Refused")<{ readonly answer: Answer }> {}

/**
 * Everything that has arrived, once something has. The API server sends each log line separately, and the work for each chunk
 * would limit the lines per second, so chunks that arrive in one turn of the event loop are combined.
 */
const nextOf = (body: Readable): OpenAnswer["next"] =>
  Effect.async((resume) => {
    const finish = (outcome: Effect.Effect<Uint8Array | undefined, NoAnswer>) => {
      clearImmediate(turn)
      body.off("readable", attempt).off("close", closed).off("error", failed)
      resume(outcome)
    }
    const failed = guardedBy(() => {})((error: unknown) => finish(Effect.fail(noAnswer(error))))
    const guarded = guardedBy(failed)
    const take = guarded(() => {
      const piece: unknown = body.read()
      if (piece instanceof Uint8Array) finish(Effect.succeed(piece))
      else if (piece !== null)
        finish(Effect.fail(new NoAnswer({ code: "", message: "the answer isn't binary", unsent: false })))
      else if (body.readableEnded) finish(Effect.succeed(undefined))
      else if (body.destroyed) closed()
    })
    const closed = guarded(() =>
      body.readableEnded ? finish(Effect.succeed(undefined)) : failed(body.errored ?? cutOff)
    )
    let turn: NodeJS.Immediate | undefined
    const attempt = guarded(() => {
      clearImmediate(turn)
      turn = setImmediate(take)
    })
    body.on("readable", attempt).on("close", closed).on("error", failed)
    attempt()
    return Effect.sync(() => {
      clearImmediate(turn)
      body.off("readable", attempt).off("close", closed).off("error", failed)
    })
  })

const cutOff = new Error("the answer was cut off")

const openMillis = 30_000
const maxRefusalBytes = 1024 * 1024

/** Opens an endless answer. It is cut when the scope closes, or when no byte arrives for `silenceMillis` (0: never). */
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
    // If it's cut while nobody reads it, it emits an error.
    const ignored = guardedBy(() => {})(() => {})
    body.on("error", ignored)
    const next = nextOf(body)
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
        retryAfterMillis: retryAfterMs(headers, longestPauseMs)
      }
    })
  })
