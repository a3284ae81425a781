import { Effect, Layer, Option, Stream } from "effect"
import { backoffMs, jittered } from "../../base/node/backoff.ts"
import type { ClusterConfigError } from "./ClusterConfigError.ts"
import type { ClusterSource } from "./connect.ts"
import { type Connections, makeConnections } from "./connections.ts"
import { type Answer, exchange, NoAnswer } from "./exchange.ts"
import { KubeApi, KubeError, type KubeRequest, type WatchInput } from "./KubeApi.ts"
import { type OpenAnswer, open, type Refused } from "./open.ts"
import { openSocket } from "./openSocket.ts"
import { isAway, startError } from "./startError.ts"
import { errorOfAnswer } from "./status.ts"
import { watch } from "./watch.ts"

export interface KubeApiOptions {
  readonly source: ClusterSource
  /** Requests under way at a time. @default 32 */
  readonly maxInFlight?: number
  /** Time limit of one request, in milliseconds. @default 30000 */
  readonly timeoutMillis?: number
  /** How long a watch may be silent before it is cut and resumed, in milliseconds. @default 90000 */
  readonly silenceMillis?: number
  /**
   * How long to wait at the start for an API server that is away, in milliseconds: one that refuses connections, resets them or is not
   * ready. What the configuration gets wrong (a name, credentials, certificates) fails at once all the same. @default 0
   */
  readonly startMillis?: number
}

const maxQuickRetries = 3
const maxStartPauseMillis = 2_000
/** The API server's flow control asks for a second each time; more than this and it is not busy, but closed to us. */
const maxBusyMillis = 60_000

const make = Effect.fn("KubeApi.make")(function* ({
  maxInFlight = 32,
  silenceMillis = 90_000,
  source,
  startMillis = 0,
  timeoutMillis = 30_000
}: KubeApiOptions) {
  const connections = yield* makeConnections(source, maxInFlight)
  const inFlight = yield* Effect.makeSemaphore(maxInFlight)
  /** When the first request was sent that got no answer: to tell, and to measure. */
  let unanswered: { readonly since: Date; readonly sinceMillis: number } | undefined

  const answered = () => {
    unanswered = undefined
  }
  const notAnswered = (sinceMillis: number) => {
    unanswered ??= { since: new Date(Date.now() - (performance.now() - sinceMillis)), sinceMillis }
  }
  // Answers of a balancer whose API server is away.
  const standsIn = (status: number) => status === 502 || status === 503 || status === 504

  const unreachable = (asked: string, { message }: NoAnswer) =>
    new KubeError({
      reason: "unreachable",
      status: undefined,
      statusReason: "",
      message: `the API server ${connections.now().credentials.server} does not answer: ${message} (${asked})`,
      causes: []
    })

  /** Once with the credentials in hand, and once more if there are others after a 401. */
  const authorized = <A, E, R>(
    send: (now: Connections) => Effect.Effect<A, E, R>,
    isRefused: (outcome: A) => boolean
  ): Effect.Effect<A, E, R> =>
    Effect.gen(function* () {
      const used = yield* connections.current
      const outcome = yield* send(used)
      return isRefused(outcome) && (yield* connections.renewed(used)) ? yield* send(connections.now()) : outcome
    })

  const send = (request: KubeRequest) =>
    authorized(
      (now) => inFlight.withPermits(1)(exchange(now, request, timeoutMillis)),
      (answer) => answer.status === 401
    )

  const answerTo = (request: KubeRequest): Effect.Effect<Answer, KubeError> =>
    Effect.gen(function* () {
      const asked = `${request.method} ${request.path}`
      const start = performance.now()
      let busyUntilNow = 0
      for (let failures = 0; ; ) {
        const outcome = yield* Effect.either(send(request))
        if (outcome._tag === "Left") {
          failures++
          if (failures > maxQuickRetries || !(request.method !== "POST" || outcome.left.unsent)) {
            notAnswered(start)
            return yield* unreachable(asked, outcome.left)
          }
        } else {
          const { retryAfterMillis, status, text } = outcome.right
          if (standsIn(status)) notAnswered(start)
          else answered()
          if (status < 300) return outcome.right
          const error = errorOfAnswer(asked, status, text)
          if (status === 429 && busyUntilNow < maxBusyMillis) {
            // Never sooner than told; not all at the same time.
            const wait = Math.max(retryAfterMillis ?? 1000, 100) * (1 + Math.random() / 4)
            busyUntilNow += wait
            yield* Effect.sleep(wait)
            continue
          }
          failures++
          if (error.reason !== "unreachable" || request.method === "POST" || failures > maxQuickRetries) {
            return yield* error
          }
        }
        yield* Effect.sleep(jittered(100 * 3 ** (failures - 1)))
      }
    })

  const request = Effect.fn("KubeApi.request")(function* (asked: KubeRequest) {
    const { status, text } = yield* answerTo(asked)
    return yield* Effect.try({
      try: (): unknown => (text === "" ? {} : JSON.parse(text)),
      catch: () =>
        new KubeError({
          reason: "unreachable",
          status,
          statusReason: "",
          message: `the answer isn't JSON: the server isn't an API server: ${connections.now().credentials.server} (${asked.method} ${asked.path})`,
          causes: []
        })
    })
  })

  const answer = (asked: KubeRequest, limitMillis: number) =>
    connections.current.pipe(
      Effect.flatMap((now) => inFlight.withPermits(1)(exchange(now, asked, limitMillis))),
      Effect.mapError((error) => unreachable(`${asked.method} ${asked.path}`, error))
    )

  const opened = (asked: KubeRequest, silence: number) =>
    Effect.suspend(() => {
      const start = performance.now()
      const told = `${asked.method} ${asked.path}`
      const attempt = (now: Connections) =>
        open(now, asked, silence).pipe(
          Effect.catchTag("Refused", (refused): Effect.Effect<OpenAnswer | Refused> => Effect.succeed(refused))
        )
      return authorized(attempt, (outcome) => "answer" in outcome && outcome.answer.status === 401).pipe(
        Effect.mapError((error) => {
          notAnswered(start)
          return unreachable(told, error)
        }),
        Effect.flatMap((outcome) => {
          if ("next" in outcome) {
            answered()
            return Effect.succeed(outcome)
          }
          const { status, text } = outcome.answer
          if (standsIn(status)) notAnswered(start)
          else answered()
          return errorOfAnswer(told, status, text)
        })
      )
    })

  const stream = (asked: Pick<KubeRequest, "path" | "query">) =>
    Stream.unwrapScoped(
      Effect.map(opened({ method: "GET", accept: "*/*", ...asked }, 0), ({ next }) =>
        Stream.repeatEffectOption(
          next.pipe(
            Effect.mapError((error) => Option.some(unreachable(`GET ${asked.path}`, error))),
            Effect.flatMap((piece) => (piece === undefined ? Effect.fail(Option.none()) : Effect.succeed(piece)))
          )
        )
      )
    )

  const socket: KubeApi["Type"]["socket"] = (path, query, protocols) => {
    const written = new URLSearchParams()
    for (const [name, value] of query) written.append(name, value)
    return connections.current.pipe(
      Effect.flatMap((now) => openSocket(now.credentials, `${path}?${written}`, protocols)),
      Effect.mapError(({ status, text }) =>
        status === 0
          ? unreachable(`GET ${path}`, new NoAnswer({ code: "", message: text, unsent: true }))
          : errorOfAnswer(`GET ${path}`, status, text)
      )
    )
  }

  // Whoever is signed in may ask, and it says whether Knative is there.
  const probe: KubeRequest = { method: "GET", path: "/apis/serving.knative.dev/v1" }
  const start = performance.now()
  for (let looks = 1; ; looks++) {
    const first = yield* Effect.either(send(probe))
    const wrong = startError(connections.now().credentials, first)
    if (wrong === undefined) break
    const left = startMillis - (performance.now() - start)
    const waits = isAway(first) && (looks <= maxQuickRetries || left > 0)
    if (!waits) return yield* wrong
    if (looks === maxQuickRetries && left > 0) {
      yield* Effect.logWarning(`${wrong.message}. Waiting for it, ${Math.ceil(left / 1000)} s at most`)
    }
    yield* Effect.sleep(jittered(backoffMs({ baseMs: 100, maxMs: maxStartPauseMillis }, looks)))
  }

  return KubeApi.of({
    get server() {
      return connections.now().credentials.server
    },
    unreachableSince: Effect.sync(() => Option.map(Option.fromNullable(unanswered), (_) => _.since)),
    unreachable: Effect.sync(() =>
      Option.map(Option.fromNullable(unanswered), ({ since, sinceMillis }) => ({
        since,
        millis: performance.now() - sinceMillis
      }))
    ),
    request,
    answer,
    stream,
    socket,
    watch: <A>(input: WatchInput<A>) =>
      watch(input, { request, open: (asked: KubeRequest) => opened(asked, silenceMillis) })
  })
})

/** Connects, and asks the API server once: what is wrong with the configuration is told at the start. */
export const layer = (options: KubeApiOptions): Layer.Layer<KubeApi, ClusterConfigError> =>
  Layer.scoped(KubeApi, make(options))
