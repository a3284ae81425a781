import type { LogEntry, OrganizationId } from "@maxcloud/sdk/api"
import { Context, Effect, Layer, Stream } from "effect"
import { LogHistory } from "../../../stores/logs/LogHistory.ts"
import { millisOf, timeOf } from "../../../stores/logs/LogLine.ts"
import { KubeApi } from "../../kubeApi/KubeApi.ts"
import { type LogQuery, RuntimeError } from "../../port/Runtime.ts"
import { ClusterCache } from "../cache/ClusterCache.ts"
import { liveLines } from "./liveLines.ts"
import { cutNotice, deliver } from "./logEntries.ts"
import { makePodChanges } from "./PodChanges.ts"
import { PodFeeds } from "./PodFeeds.ts"
import { historyAway, keptLines, latenessMillis, presentLines, presentTail, sinceOf } from "./presentLines.ts"
import { ReaderPositions } from "./ReaderPositions.ts"

/** The position of a query's reader. */
const positionsOf = ({ after, since }: LogQuery): Effect.Effect<ReaderPositions, RuntimeError> =>
  Effect.suspend(() => {
    const positions = after === undefined ? new ReaderPositions() : ReaderPositions.parse(after)
    if (positions === undefined) {
      return new RuntimeError({
        reason: "refused",
        message: "The cursor doesn't belong to a log line. Read from the beginning, without it."
      })
    }
    // A reader that resumes doesn't ask for earlier lines.
    if (since !== undefined) positions.raise(timeOf(Math.max(0, since - 1)))
    return Effect.succeed(positions)
  })

/** Tells a reader of the whole log if its beginning has been deleted. */
const noticesOf = (history: LogHistory["Type"], query: LogQuery, positions: ReaderPositions) =>
  Effect.gen(function* () {
    const since = sinceOf(query)
    if (query.after !== undefined || since === undefined) return []
    const cut = yield* Effect.mapError(history.cut(query.key), historyAway)
    return cut !== undefined && since < cut.before ? [cutNotice(query, positions, cut, history.days)] : []
  })

const make = Effect.gen(function* () {
  const api = yield* KubeApi
  const cache = yield* ClusterCache
  const history = yield* LogHistory
  const changes = yield* makePodChanges(cache)
  const feeds = yield* PodFeeds

  const present = (query: LogQuery, positions: ReaderPositions): Stream.Stream<LogEntry, RuntimeError> =>
    query.tail !== undefined && query.after === undefined
      ? Stream.unwrap(
          Effect.map(presentTail(api, cache, history, query, positions, query.tail), (entries) =>
            Stream.fromIterable(entries)
          )
        )
      : Stream.flattenIterables(presentLines(api, cache, history, query, positions))

  /** New lines from now on, of present and future instances. */
  const coming = (query: LogQuery, positions: ReaderPositions) => {
    const kept = (from: ReaderPositions) => keptLines(history, query, from)
    return Effect.map(
      liveLines({ api, cache, changes, feeds, query, since: sinceOf(query), positions, kept }),
      Stream.map(({ lagging, lines, newest }) => {
        const entries = deliver(query, positions, lines)
        positions.raise(timeOf(Math.max(0, millisOf(newest) - latenessMillis)), lagging)
        return entries
      })
    )
  }

  const read = (query: LogQuery): Stream.Stream<LogEntry, RuntimeError> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const positions = yield* positionsOf(query)
        const notices = yield* noticesOf(history, query, positions)
        const first = Stream.concat(Stream.fromIterable(notices), present(query, positions))
        return query.follow
          ? Stream.concat(first, Stream.flattenIterables(Stream.unwrapScoped(coming(query, positions))))
          : first
      })
    )

  return KubernetesLogs.of({
    read,
    isCursor: (text) => ReaderPositions.parse(text) !== undefined,
    bytes: (organizationId) => Effect.sync(() => history.bytes(organizationId) ?? null)
  })
})

/**
 * A service's log lines over all revisions: from the kubelet for current instances, from `LogHistory` for former ones, each line
 * once. Any replica can read them. Followers of an instance share one stream from its kubelet (`PodFeeds`), and a slow one gets its own.
 */
export class KubernetesLogs extends Context.Tag("@maxcloud/server/KubernetesLogs")<
  KubernetesLogs,
  {
    /**
     * First the existing lines sorted by time, then new ones as they arrive, in order within 200 ms. Resuming at any entry's
     * cursor loses and repeats no line, and keeps each instance's order. A follower's stream ends when the service is deleted.
     */
    readonly read: (query: LogQuery) => Stream.Stream<LogEntry, RuntimeError>
    /** Does this cursor come from `read`? */
    readonly isCursor: (text: string) => boolean
    /** Stored bytes of an organization; null: not counted. */
    readonly bytes: (organizationId: OrganizationId) => Effect.Effect<number | null>
  }
>() {
  static readonly layer: Layer.Layer<KubernetesLogs, never, KubeApi | ClusterCache | LogHistory> = Layer.scoped(
    this,
    make
  ).pipe(Layer.provide(PodFeeds.layer))
}
