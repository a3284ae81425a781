import { HttpServerResponse } from "@effect/platform"
import type { ApiError } from "@maxcloud/sdk/api"
import { Cause, Effect, type Mailbox, Option, type Stream } from "effect"
import { type Asked, documentOf, internalError } from "../../http/problems.ts"
import { eachChunk, fed } from "./feed.ts"

/** One server-sent event (WHATWG HTML, 9.2). `data` is sent as JSON, which has no line breaks. */
export interface ServerSentEvent {
  readonly id?: string | undefined
  readonly event: string
  readonly data: unknown
}

const frame = ({ data, event, id }: ServerSentEvent) =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/** Send this comment at once, so that the answer's head goes out before the first event. */
const greeting = "retry: 1000\n\n"
const heartbeat = ": still here\n\n"

/**
 * A stream of events as an answer. Its status is already sent, so a failure travels as `event: error` with its problem document.
 * A comment every 10 seconds keeps connections open. `until` ends the stream without a last event, and the reader resumes
 * elsewhere.
 */
export const eventStream = <A>(
  events: Stream.Stream<A, ApiError>,
  options: {
    readonly toEvent: (value: A) => ServerSentEvent
    /** Values that arrive together, in fewer events. @default an event for each */
    readonly toEvents?: ((values: ReadonlyArray<A>) => ReadonlyArray<ServerSentEvent>) | undefined
    /** Sent after the last of them. */
    readonly last?: ServerSentEvent | undefined
    readonly asked: Asked
    readonly until: Effect.Effect<void>
  }
): HttpServerResponse.HttpServerResponse => {
  const toEvents = options.toEvents ?? ((values: ReadonlyArray<A>) => values.map(options.toEvent))
  const send = (out: Mailbox.Mailbox<Uint8Array>, text: string) => out.offer(Buffer.from(text))
  const bytes = fed<Uint8Array, never, never>((out) =>
    Effect.gen(function* () {
      yield* send(out, greeting)
      // Write events that arrive together in one write: a write for each line would limit the lines per second.
      const frames = eachChunk(events, (chunk) => send(out, toEvents(chunk).map(frame).join(""))).pipe(
        Effect.andThen(options.last === undefined ? Effect.void : send(out, frame(options.last))),
        Effect.catchAllCause((cause) =>
          Cause.isInterruptedOnly(cause)
            ? Effect.void
            : Effect.flatMap(failure(cause, options.asked), (text) => send(out, text))
        )
      )
      yield* Effect.forkScoped(Effect.andThen(frames, out.end))
      yield* Effect.forkScoped(Effect.forever(Effect.delay(send(out, heartbeat), "10 seconds")))
      yield* Effect.forkScoped(Effect.andThen(options.until, out.shutdown))
    })
  )
  return HttpServerResponse.stream(bytes, {
    contentType: "text/event-stream",
    headers: { "cache-control": "no-cache", "x-accel-buffering": "no" }
  })
}

const failure = (cause: Cause.Cause<ApiError>, asked: Asked): Effect.Effect<string> =>
  Option.match(Cause.failureOption(cause), {
    onSome: (error) => Effect.succeed(frame({ event: "error", data: documentOf(error, asked) })),
    onNone: () =>
      Effect.as(
        Effect.logError("A stream of events failed.", cause),
        frame({ event: "error", data: documentOf(internalError(asked.requestId), asked) })
      )
  })
