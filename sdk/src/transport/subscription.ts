import { Chunk, Effect, Either, Schedule, Stream } from "effect"
import { type CallError, UnexpectedAnswer } from "../errors.ts"
import type { Connection } from "./connection.ts"
import { problemIn } from "./problemIn.ts"
import { makeEventParser, type ServerSentEvent } from "./sse.ts"

/** The server sends a comment at least every 15 s, so a stream that is silent for longer than this is broken. */
const silence = "45 seconds"
const firstPauseMs = 100
const longestPauseMs = 5000
/**
 * How long the server can be unreachable after its last sign of life before the stream gives up. For a stream with an end, only events
 * are signs of life: a server that accepts each new connection and sends nothing must not renew the patience.
 */
const patienceMs = 120_000

const isPassing = (error: CallError): boolean =>
  error._tag === "NotReachable" ||
  error._tag === "Unavailable" ||
  (error._tag === "UnexpectedAnswer" && error.status >= 502 && error.status <= 504)

export interface SubscriptionOptions {
  readonly path: string
  /** `resuming`: the request continues after the last received event, with `Last-Event-ID`. */
  readonly query?: ((resuming: boolean) => URLSearchParams) | undefined
  /**
   * Parameters of `query` without which the stream has the same contents. An older server refuses those that it doesn't know, and is asked
   * again without them.
   */
  readonly optional?: ReadonlyArray<string> | undefined
  readonly lastEventId?: string | undefined
  /** Whether the stream is finished or reconnects if the server ends it properly. */
  readonly endsWithConnection: boolean
  /** Called for each failure after which the stream continues. */
  readonly onInterrupted?: ((error: CallError) => void) | undefined
}

/** The query parameters that the server refuses. */
const refusedIn = (error: CallError): ReadonlyArray<string> =>
  error._tag === "InvalidRequest" ? error.errors.flatMap(({ parameter }) => parameter ?? []) : []

/** The body of a response with server-sent events. */
const eventsIn = ({ body, headers, status, url }: Response) =>
  body === null || !(headers.get("content-type") ?? "").startsWith("text/event-stream")
    ? Either.left(new UnexpectedAnswer({ url, status, detail: "the response isn't a stream of events" }))
    : Either.right(body)

/**
 * The events of an endpoint with server-sent events. Reconnects with backoff if the connection breaks, and resumes after the last received event.
 * Only the first connection fails immediately. An event named `error` contains a problem document, and is a failure.
 */
export const subscribe = (
  connection: Connection,
  options: SubscriptionOptions
): Stream.Stream<ServerSentEvent, CallError> =>
  Stream.suspend(() => {
    let lastEventId = options.lastEventId
    let answeredAt: number | undefined
    let progressAt: number | undefined
    let failures = 0
    let ended = false
    const unknown = new Set<string>()

    const connect = Effect.gen(function* () {
      if (failures > 0) {
        const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1))
        yield* Effect.sleep(pause * (0.75 + Math.random() / 2))
      }
      failures++
      const query = options.query?.(lastEventId !== undefined) ?? new URLSearchParams()
      for (const name of unknown) query.delete(name)
      const response = yield* connection.open(`${options.path}${query.size === 0 ? "" : `?${query}`}`, {
        headers: {
          accept: "text/event-stream",
          ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId })
        }
      })
      answeredAt = performance.now()
      progressAt ??= answeredAt
      return yield* eventsIn(response)
    })

    const attempt = Stream.suspend(() => {
      const parser = makeEventParser()
      return Stream.unwrapScoped(
        Effect.map(connect, (body) =>
          Stream.fromReadableStream<Uint8Array, CallError>({
            evaluate: () => body,
            onError: connection.notReachable
          }).pipe(Stream.timeoutFail(() => connection.notReachable(new Error("silence")), silence))
        )
      ).pipe(
        Stream.decodeText(),
        Stream.mapConcat((text) => {
          answeredAt = performance.now()
          return parser.push(text)
        }),
        // Process chunks: work per event would limit the throughput.
        Stream.chunks,
        Stream.flatMap((events) => {
          const [good, [failed]] = Chunk.splitWhere(events, (event) => event.event === "error")
          for (const { id } of good) if (id !== "") lastEventId = id
          if (good.length > 0) {
            failures = 0
            progressAt = performance.now()
          }
          const given = Stream.fromChunk(good)
          const url = `${connection.apiUrl}${options.path}`
          return failed === undefined ? given : Stream.concat(given, Stream.fail(problemIn(url, 200, failed.data)))
        }),
        Stream.concat(
          Stream.suspend(() => {
            ended = options.endsWithConnection
            return Stream.empty
          })
        ),
        Stream.catchAll((error) => {
          const refused = refusedIn(error).filter((name) => options.optional?.includes(name) && !unknown.has(name))
          if (refused.length > 0) {
            for (const name of refused) unknown.add(name)
            failures = 0
            return Stream.empty
          }
          const aliveAt = options.endsWithConnection ? progressAt : answeredAt
          // Who wants only what is there now is better off with the reason than with waiting.
          const isOver = options.endsWithConnection && error._tag === "Unavailable"
          if (isOver || !isPassing(error) || aliveAt === undefined || performance.now() - aliveAt >= patienceMs) {
            return Stream.fail(error)
          }
          options.onInterrupted?.(error)
          return Stream.empty
        })
      )
    })

    return Stream.repeat(
      attempt,
      Schedule.recurUntil<unknown>(() => ended)
    )
  })
