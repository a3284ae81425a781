import { Effect, Option, Stream } from "effect"
import { jittered } from "../../base/node/backoff.ts"
import type { Connections, makeConnections } from "./connections.ts"
import { type KubeApi, KubeError, type KubeRequest } from "./KubeApi.ts"
import { type OpenAnswer, open, type Refused } from "./open.ts"
import { openSocket } from "./openSocket.ts"
import { type Answer, NoAnswer, roundTrip } from "./roundTrip.ts"
import { errorOfAnswer } from "./status.ts"
import type { Unanswered } from "./unanswered.ts"

/** What sending a request needs. */
export interface Line {
  readonly connections: Effect.Effect.Success<ReturnType<typeof makeConnections>>
  readonly inFlight: Effect.Semaphore
  readonly unanswered: Unanswered
  /** Timeout of one request. */
  readonly timeoutMillis: number
}

export const maxQuickRetries = 3
/** The API server's flow control asks for one second at a time. If it asks for more than this, it isn't busy but refuses us. */
const maxBusyMillis = 60_000

const askedBy = ({ method, path }: Pick<KubeRequest, "method" | "path">) => `${method} ${path}`

const unreachable = ({ connections }: Line, asked: string, { message }: NoAnswer) =>
  new KubeError({
    reason: "unreachable",
    status: undefined,
    statusReason: "",
    message: `The API server ${connections.now().credentials.server} is unreachable: ${message} (${asked})`,
    causes: []
  })

/** Sends a request with the current credentials. After a 401, sends it again if there are new ones by then. */
const authorized = <A, E, R>(
  { connections }: Line,
  send: (now: Connections) => Effect.Effect<A, E, R>,
  isRefused: (outcome: A) => boolean
) =>
  Effect.gen(function* () {
    const used = yield* connections.current
    const outcome = yield* send(used)
    return isRefused(outcome) && (yield* connections.renewed(used)) ? yield* send(connections.now()) : outcome
  })

export const sendOnce = (line: Line, request: KubeRequest) =>
  authorized(
    line,
    (now) => line.inFlight.withPermits(1)(roundTrip(now, request, line.timeoutMillis)),
    (answer) => answer.status === 401
  )

/** The answer, with retries while the API server is busy or has a temporary fault. */
const answerTo = (line: Line, request: KubeRequest): Effect.Effect<Answer, KubeError> =>
  Effect.gen(function* () {
    const { unanswered } = line
    const asked = askedBy(request)
    const start = performance.now()
    let busyUntilNow = 0
    for (let failures = 0; ; ) {
      const outcome = yield* Effect.either(sendOnce(line, request))
      if (outcome._tag === "Left") {
        failures++
        if (failures > maxQuickRetries || !(request.method !== "POST" || outcome.left.unsent)) {
          unanswered.notAnswered(start)
          return yield* unreachable(line, asked, outcome.left)
        }
      } else {
        const { retryAfterMillis, status, text } = outcome.right
        unanswered.told({ status, text }, start)
        if (status < 300) return outcome.right
        const error = errorOfAnswer(asked, status, text)
        if (status === 429 && busyUntilNow < maxBusyMillis) {
          // Never sooner than the server asked, and not all at the same time.
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

/** See `KubeApi.request`. */
export const request = (line: Line, asked: KubeRequest) =>
  Effect.gen(function* () {
    const { status, text } = yield* answerTo(line, asked)
    return yield* Effect.try({
      try: (): unknown => (text === "" ? {} : JSON.parse(text)),
      catch: () =>
        new KubeError({
          reason: "unreachable",
          status,
          statusReason: "",
          message: `the answer isn't JSON, so the server isn't an API server: ${line.connections.now().credentials.server} (${askedBy(asked)})`,
          causes: []
        })
    })
  })

/** See `KubeApi.answer`. */
export const answerOnce = (line: Line, asked: KubeRequest, limitMillis: number) =>
  line.connections.current.pipe(
    Effect.flatMap((now) => line.inFlight.withPermits(1)(roundTrip(now, asked, limitMillis))),
    Effect.mapError((error) => unreachable(line, askedBy(asked), error))
  )

/** An endless answer, which is cut when no byte arrives for `silenceMillis` (0: never). */
export const opened = (line: Line, asked: KubeRequest, silenceMillis: number) =>
  Effect.suspend(() => {
    const { unanswered } = line
    const start = performance.now()
    const attempt = (now: Connections) =>
      open(now, asked, silenceMillis).pipe(
        Effect.catchTag("Refused", (refused): Effect.Effect<OpenAnswer | Refused> => Effect.succeed(refused))
      )
    return authorized(line, attempt, (outcome) => "answer" in outcome && outcome.answer.status === 401).pipe(
      Effect.mapError((error) => {
        unanswered.notAnswered(start)
        return unreachable(line, askedBy(asked), error)
      }),
      Effect.flatMap((outcome) => {
        if ("next" in outcome) {
          unanswered.answered()
          return Effect.succeed(outcome)
        }
        const { status, text } = outcome.answer
        unanswered.told({ status, text }, start)
        return errorOfAnswer(askedBy(asked), status, text)
      })
    )
  })

/** See `KubeApi.stream`. */
export const stream = (line: Line, asked: Pick<KubeRequest, "path" | "query">) =>
  Stream.unwrapScoped(
    Effect.map(opened(line, { method: "GET", accept: "*/*", ...asked }, 0), ({ next }) =>
      Stream.repeatEffectOption(
        next.pipe(
          Effect.mapError((error) => Option.some(unreachable(line, `GET ${asked.path}`, error))),
          Effect.flatMap((piece) => (piece === undefined ? Effect.fail(Option.none()) : Effect.succeed(piece)))
        )
      )
    )
  )

/** See `KubeApi.socket`. */
export const socket = (line: Line, ...[path, query, protocols]: Parameters<KubeApi["Type"]["socket"]>) => {
  const written = new URLSearchParams()
  for (const [name, value] of query) written.append(name, value)
  return line.connections.current.pipe(
    Effect.flatMap((now) => openSocket(now.credentials, `${path}?${written}`, protocols)),
    Effect.mapError(({ status, text }) =>
      status === 0
        ? unreachable(line, `GET ${path}`, new NoAnswer({ code: "", message: text, unsent: true }))
        : errorOfAnswer(`GET ${path}`, status, text)
    )
  )
}
