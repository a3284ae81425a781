import { HttpServerResponse } from "@effect/platform"
import type { ApiError } from "@maxcloud/sdk/api"
import { Cause, Chunk, Effect, Option, Stream } from "effect"
import { encodeError, internalError } from "./problems.ts"

/** One server-sent event (WHATWG HTML, 9.2). `data` is sent as JSON, which has no line breaks. */
export interface ServerSentEvent {
  readonly id?: string | undefined
  readonly event: string
  readonly data: unknown
}

const frame = ({ data, event, id }: ServerSentEvent) =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/** Written at once, so that the head of the answer goes out before there is anything to tell. */
const greeting = "retry: 1000\n\n"
const heartbeat = ": still here\n\n"

/**
 * A stream of events as an answer. The status is sent by then, so a failure travels as `event: error` with its problem document.
 * A comment every 10 seconds keeps connections open. `until` ends the stream without a last event, and the reader resumes elsewhere.
 */
export const eventStream = (
  events: Stream.Stream<ServerSentEvent, ApiError>,
  options: { readonly requestId: string; readonly until: Effect.Effect<void> }
): HttpServerResponse.HttpServerResponse => {
  // What comes together is written together: a write for each line would bound how many lines a second there can be.
  const frames = events.pipe(
    Stream.mapChunks((chunk) => Chunk.of(Chunk.toReadonlyArray(chunk).map(frame).join(""))),
    Stream.catchAllCause((cause) =>
      Cause.isInterruptedOnly(cause) ? Stream.empty : Stream.fromEffect(failure(cause, options.requestId))
    )
  )
  const heartbeats = Stream.repeatEffect(Effect.as(Effect.sleep("10 seconds"), heartbeat))
  return HttpServerResponse.stream(
    Stream.concat(Stream.make(greeting), Stream.merge(frames, heartbeats, { haltStrategy: "left" })).pipe(
      Stream.interruptWhen(options.until),
      Stream.encodeText
    ),
    {
      contentType: "text/event-stream",
      headers: { "cache-control": "no-cache", "x-accel-buffering": "no" }
    }
  )
}

const failure = (cause: Cause.Cause<ApiError>, requestId: string): Effect.Effect<string> =>
  Option.match(Cause.failureOption(cause), {
    onSome: (error) => Effect.succeed(frame({ event: "error", data: encodeError(error) })),
    onNone: () =>
      Effect.as(
        Effect.logError("a stream of events failed", cause),
        frame({ event: "error", data: encodeError(internalError(requestId)) })
      )
  })
