import { Chunk, Effect, Either, Schedule, Stream } from "effect"
import { type CallError, UnexpectedAnswer } from "../errors.ts"
import type { Connection } from "./connection.ts"
import { problemIn } from "./problemIn.ts"
import { makeEventParser, type ServerSentEvent } from "./sse.ts"

/** The server sends a comment at least every 15 s: a stream silent for longer than this is broken. */
const silence = "45 seconds"
const firstPauseMs = 100
const longestPauseMs = 5000
/** How long the server may be unreachable, once it has answered, until the stream gives up. */
const patienceMs = 120_000

const isPassing = (error: CallError): boolean =>
  error._tag === "NotReachable" ||
  error._tag === "Unavailable" ||
  (error._tag === "UnexpectedAnswer" && error.status >= 502 && error.status <= 504)

export interface SubscriptionOptions {
  readonly path: string
  /** `resuming`: the request continues after the last received event, which it names by `Last-Event-ID`. */
  readonly query?: ((resuming: boolean) => URLSearchParams) | undefined
  readonly lastEventId?: string | undefined
  /** If the server ends the stream properly, is it finished, or does it continue with the next connection? */
  readonly endsWithConnection: boolean
}

/** The body of an answer that is a stream of events. */
const eventsIn = ({ body, headers, status, url }: Response) =>
  body === null || !(headers.get("content-type") ?? "").startsWith("text/event-stream")
    ? Either.left(new UnexpectedAnswer({ url, status, detail: "no stream of events" }))
    : Either.right(body)

/**
 * The events of an endpoint of server-sent events. A broken connection is retried with growing pauses, and resumes after the last received
 * event. Only the first connection fails at once. An event named `error` carries a problem document, and is a failure.
 */
export const subscribe = (
  connection: Connection,
  options: SubscriptionOptions
): Stream.Stream<ServerSentEvent, CallError> =>
  Stream.suspend(() => {
    let lastEventId = options.lastEventId
    let answeredAt: number | undefined
    let failures = 0
    let ended = false

    const connect = Effect.gen(function* () {
      if (failures > 0) {
        const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1))
        yield* Effect.sleep(pause * (0.75 + Math.random() / 2))
      }
      failures++
      const query = options.query?.(lastEventId !== undefined).toString() ?? ""
      const response = yield* connection.open(`${options.path}${query === "" ? "" : `?${query}`}`, {
        headers: {
          accept: "text/event-stream",
          ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId })
        }
      })
      answeredAt = performance.now()
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
        // By chunks: work per single event limits how many events a second are possible.
        Stream.chunks,
        Stream.flatMap((events) => {
          const [good, [failed]] = Chunk.splitWhere(events, (event) => event.event === "error")
          for (const { id } of good) if (id !== "") lastEventId = id
          failures = good.length > 0 ? 0 : failures
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
        Stream.catchAll((error) =>
          isPassing(error) && answeredAt !== undefined && performance.now() - answeredAt < patienceMs
            ? Stream.empty
            : Stream.fail(error)
        )
      )
    })

    return Stream.repeat(
      attempt,
      Schedule.recurUntil<unknown>(() => ended)
    )
  })
