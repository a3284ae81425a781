import { Effect, Fiber, Layer, Option } from "effect"
import { backoffMs, jittered } from "../../base/node/backoff.ts"
import { keepDoing } from "../../base/node/keepDoing.ts"
import type { ClusterConfigError } from "./ClusterConfigError.ts"
import type { ClusterSource } from "./connect.ts"
import { makeConnections } from "./connections.ts"
import { KubeApi, type KubeRequest, type WatchInput } from "./KubeApi.ts"
import { reportCluster } from "./reportCluster.ts"
import { answerOnce, type Line, maxQuickRetries, opened, request, sendOnce, socket, stream } from "./requests.ts"
import { isAway, startError } from "./startError.ts"
import { makeUnanswered } from "./unanswered.ts"
import { listAll, watch } from "./watch.ts"
import { makeWatchReports } from "./watchReports.ts"

export interface KubeApiOptions {
  readonly source: ClusterSource
  /** How many requests may be in progress at once. @default 32 */
  readonly maxInFlight?: number
  /** Time limit of one request, in milliseconds. @default 30000 */
  readonly timeoutMillis?: number
  /** How long a watch may be silent before it is cut and resumed, in milliseconds. @default 90000 */
  readonly silenceMillis?: number
  /**
   * How long to wait at the start for an unreachable API server, in milliseconds: one that refuses or resets connections, or
   * isn't ready. Configuration mistakes (a name, credentials, certificates) fail at once anyway. @default 0
   */
  readonly startMillis?: number
}

const maxStartPauseMillis = 2_000

/** Every signed-in user may send this request, and the answer shows whether Knative is installed. */
const probe: KubeRequest = { method: "GET", path: "/apis/serving.knative.dev/v1" }

/** Sends one request, and retries this long while the API server is unreachable. */
const awaitStart = (line: Line, startMillis: number) =>
  Effect.gen(function* () {
    const start = performance.now()
    for (let looks = 1; ; looks++) {
      const first = yield* Effect.either(sendOnce(line, probe))
      const wrong = startError(line.connections.now().credentials, first)
      if (wrong === undefined) {
        if (looks > 1) line.unanswered.wasAway()
        return
      }
      const left = startMillis - (performance.now() - start)
      const waits = isAway(first) && (looks <= maxQuickRetries || left > 0)
      if (!waits) return yield* wrong
      if (looks === maxQuickRetries && left > 0) {
        yield* Effect.logWarning(`${wrong.message}. Retrying for up to ${Math.ceil(left / 1000)} s`)
      }
      yield* Effect.sleep(jittered(backoffMs({ baseMs: 100, maxMs: maxStartPauseMillis }, looks)))
    }
  })

/** How often to ask whether the API server is back, and how long to wait for its answer, in milliseconds. */
const back = { every: 1_000, timeout: 5_000 }

/** It needs etcd, unlike `probe`. The server watches namespaces, so it may list them. */
const stored: KubeRequest = { method: "GET", path: "/api/v1/namespaces", query: { limit: "1" } }

/**
 * During an outage, asks until there is an answer. Otherwise an outage would last until somebody sends the next request, and those
 * who wait for its end send none.
 */
const askWhileAway = (line: Line) => {
  const { unanswered } = line
  return Effect.gen(function* () {
    const own: Line = { ...line, inFlight: yield* Effect.makeSemaphore(1), timeoutMillis: back.timeout }
    yield* keepDoing(
      "the question whether the API server is back",
      back.every,
      Effect.gen(function* () {
        yield* unanswered.away
        const sentAt = performance.now()
        const outcome = yield* Effect.either(sendOnce(own, stored))
        if (outcome._tag === "Right") unanswered.told(outcome.right, sentAt)
      })
    )
  })
}

/** How old an answer may be to count as reachable, and how long to wait for a new one, in milliseconds. */
const fresh = { answer: 1_000, timeout: 3_000 }

/**
 * See `KubeApi.check`. All callers share one question: if each asked its own, their answers would wait for each other, and many
 * readers of a slow API server would together find it unreachable.
 */
const checkReachable = (line: Line) =>
  Effect.gen(function* () {
    const { unanswered } = line
    const own: Line = { ...line, inFlight: yield* Effect.makeSemaphore(1), timeoutMillis: fresh.timeout }
    const question = Effect.gen(function* () {
      const sentAt = performance.now()
      // The first of two may have met a connection that broke while it was idle.
      const asked = Effect.orElse(sendOnce(own, stored), () => sendOnce(own, stored))
      const outcome = yield* Effect.either(Effect.timeoutOption(asked, fresh.timeout))
      if (outcome._tag === "Right" && Option.isSome(outcome.right)) unanswered.told(outcome.right.value, sentAt)
      else unanswered.notAnswered(sentAt)
    })
    const scope = yield* Effect.scope
    const oneAtATime = yield* Effect.makeSemaphore(1)
    let open: Fiber.RuntimeFiber<void> | undefined
    // In a fiber of its own: a caller that goes away doesn't take the others' answer along.
    const asking = oneAtATime.withPermits(1)(
      Effect.suspend(() =>
        open !== undefined && open.unsafePoll() === null
          ? Effect.succeed(open)
          : Effect.tap(Effect.forkIn(question, scope), (fiber) =>
              Effect.sync(() => {
                open = fiber
              })
            )
      )
    )
    return Effect.gen(function* () {
      if (!unanswered.isFresh(fresh.answer)) yield* Effect.flatMap(asking, Fiber.await)
      return Option.map(yield* unanswered.unreachable, ({ since }) => since)
    })
  })

const make = Effect.fn("KubeApi.make")(function* ({
  maxInFlight = 32,
  silenceMillis = 90_000,
  source,
  startMillis = 0,
  timeoutMillis = 30_000
}: KubeApiOptions) {
  const connections = yield* makeConnections(source, maxInFlight)
  const inFlight = yield* Effect.makeSemaphore(maxInFlight)
  const unanswered = makeUnanswered()
  const line: Line = { connections, inFlight, unanswered, timeoutMillis }
  yield* awaitStart(line, startMillis)
  yield* askWhileAway(line)
  const reports = makeWatchReports()
  yield* reportCluster(reports, unanswered.unreachable, () => connections.now().credentials)

  const asking = Effect.fn("KubeApi.request")((asked: KubeRequest) => request(line, asked))
  return KubeApi.of({
    get server() {
      return connections.now().credentials.server
    },
    unreachableSince: Effect.map(
      unanswered.unreachable,
      Option.map((found) => found.since)
    ),
    unreachable: unanswered.unreachable,
    check: yield* checkReachable(line),
    awayMillis: unanswered.awayMillis,
    awaySince: unanswered.awaySince,
    request: asking,
    answer: (asked, limitMillis) => answerOnce(line, asked, limitMillis),
    stream: (asked) => stream(line, asked),
    socket: (...asked) => socket(line, ...asked),
    list: <A>(input: WatchInput<A>) => listAll(input, asking),
    watch: <A>(input: WatchInput<A>) =>
      watch(input, { reports, request: asking, open: (asked: KubeRequest) => opened(line, asked, silenceMillis) }),
    watches: Effect.sync(reports.all)
  })
})

/** Connects and sends the API server one request, to report a wrong configuration at the start. */
export const layer = (options: KubeApiOptions): Layer.Layer<KubeApi, ClusterConfigError> =>
  Layer.scoped(KubeApi, make(options))
