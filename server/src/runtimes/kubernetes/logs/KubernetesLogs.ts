import type { LogEntry, OrganizationId } from "@maxcloud/sdk/api"
import { label } from "@maxcloud/synth"
import { Context, Effect, Layer, Stream } from "effect"
import { type HistoryCut, LogHistory, type LogHistoryError } from "../../../stores/logs/LogHistory.ts"
import { type LogLine, millisOf, timeOf } from "../../../stores/logs/LogLine.ts"
import { KubeApi, type KubeError } from "../../kubeApi/KubeApi.ts"
import { type LogQuery, RuntimeError } from "../../port/Runtime.ts"
import { ClusterCache } from "../cache/ClusterCache.ts"
import type { PodObject } from "../cache/objects.ts"
import { liveLines } from "./liveLines.ts"
import { mergeSorted } from "./mergeSorted.ts"
import { makePodChanges } from "./PodChanges.ts"
import { podLines, podLogSource, podTail } from "./podLog.ts"
import { ReaderPositions } from "./ReaderPositions.ts"

/** Lines may come later than others that were written after them, by so much at most: the delay of a stream, and the clocks of two nodes. */
const latenessMillis = 10_000

const revisionOf = ({ metadata }: PodObject) => metadata.labels[label.revision]

const clusterAway = ({ message }: KubeError) =>
  new RuntimeError({ reason: "unavailable", message: `Instances' logs cannot be read: ${message}` })
const historyAway = ({ message }: LogHistoryError) => new RuntimeError({ reason: "unavailable", message })

type Lines = ReadonlyArray<LogLine>

const make = Effect.gen(function* () {
  const api = yield* KubeApi
  const cache = yield* ClusterCache
  const history = yield* LogHistory
  const changes = yield* makePodChanges(cache)

  const toEntry = (query: LogQuery, line: LogLine, cursor: string): LogEntry => ({
    cursor,
    at: line.t,
    service: query.key.service,
    revision: line.revision,
    instance: line.instance,
    // The log API tells them apart only behind an alpha feature (PodLogsQuerySplitStreams).
    stream: "stdout",
    line: line.line,
    truncated: line.truncated
  })

  const notice = (query: LogQuery, positions: ReaderPositions, line: string): LogEntry => ({
    cursor: positions.cursor(),
    at: new Date().toISOString(),
    service: query.key.service,
    revision: "",
    instance: "",
    stream: "system",
    line,
    truncated: false
  })

  const cutNotice = ({ before, reason }: HistoryCut) =>
    `lines before ${before.slice(0, 19)}Z are no longer kept (${
      reason === "days" ? `retention ${history.days} days` : "the organization's logs are at their limit of bytes"
    })`

  const podsOf = ({ key, revision }: LogQuery) =>
    cache.podsOf(key.namespace, key.service).filter((pod) => revision === undefined || revisionOf(pod) === revision)

  /** Kept lines that are not among those that a reader has. */
  const kept = (query: LogQuery, has: ReaderPositions, since: string | undefined) =>
    history.read(query.key, { since: has.floor === "" ? since : has.oldest, revision: query.revision }).pipe(
      Stream.map((lines): Lines => lines.filter((line) => !has.has(line))),
      Stream.mapError(historyAway)
    )

  const deliver = (query: LogQuery, positions: ReaderPositions, lines: Lines): ReadonlyArray<LogEntry> =>
    lines.map((line) => {
      positions.took(line)
      return toEntry(query, line, positions.cursor())
    })

  /** Just before a line's time, but not in the last moments, of which more may come. */
  const before = (t: string | undefined, end: number): string =>
    timeOf(Math.max(0, Math.min(end, t === undefined ? end : millisOf(t) - 1)))

  /** What there is now: kept and live lines, each once. */
  const present = (query: LogQuery, since: string | undefined, positions: ReaderPositions) => {
    const end = Date.now() - latenessMillis
    const live = podsOf(query).map((pod) => {
      const after = positions.after(pod.metadata.uid)
      return Stream.mapError(podLines(api, podLogSource(pod), { after, since }), clusterAway)
    })
    // As it is now: what is delivered meanwhile is known as a double by the merge.
    const old = kept(query, positions.copy(), since)
    return mergeSorted(live, old).pipe(
      Stream.map((lines) => {
        const entries = deliver(query, positions, lines)
        positions.raise(before(lines.at(-1)?.t, end))
        return entries
      }),
      Stream.concat(
        Stream.sync(() => {
          positions.raise(timeOf(end))
          return []
        })
      )
    )
  }

  /** The last lines of what there is now. */
  const presentTail = (query: LogQuery, tail: number, since: string | undefined, positions: ReaderPositions) =>
    Effect.gen(function* () {
      const end = Date.now() - latenessMillis
      const live = yield* Effect.forEach(podsOf(query), (pod) => podTail(api, podLogSource(pod), tail), {
        concurrency: 16
      }).pipe(Effect.mapError(clusterAway))
      const old = yield* Stream.runCollect(history.read(query.key, { since, revision: query.revision, tail })).pipe(
        Effect.mapError(historyAway)
      )
      const parts = yield* Stream.runCollect(
        mergeSorted(
          live.map((lines) => Stream.make(lines)),
          Stream.fromChunk(old)
        )
      )
      const all = [...parts].flat()
      const first = all.findIndex(({ t }) => since === undefined || t >= since)
      const begin = first === -1 ? all.length : Math.max(first, all.length - tail)
      for (const line of all.slice(0, begin)) positions.took(line)
      // What is before the tail will not be asked for by who resumes.
      positions.raise(before(all[begin]?.t, end))
      const entries = deliver(query, positions, all.slice(begin))
      positions.raise(timeOf(end))
      return entries
    })

  /** What comes from now on, of instances that there are and that will be. */
  const coming = (query: LogQuery, since: string | undefined, positions: ReaderPositions) =>
    Effect.map(
      liveLines({ api, cache, changes, query, since, positions, kept: (from) => kept(query, from, since) }),
      Stream.map(({ lagging, lines, newest }) => {
        const entries = deliver(query, positions, lines)
        positions.raise(timeOf(Math.max(0, millisOf(newest) - latenessMillis)), lagging)
        return entries
      })
    )

  const read = (query: LogQuery): Stream.Stream<LogEntry, RuntimeError> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const positions = query.after === undefined ? new ReaderPositions() : ReaderPositions.parse(query.after)
        if (positions === undefined) {
          return yield* new RuntimeError({
            reason: "refused",
            message: "The cursor is none of a log line: read from the beginning, without it."
          })
        }
        const since = query.since === undefined ? undefined : timeOf(query.since)
        // Who resumes will not ask for what was before.
        if (query.since !== undefined) positions.raise(timeOf(Math.max(0, query.since - 1)))
        const cut =
          query.after === undefined && query.since !== undefined
            ? yield* Effect.mapError(history.cut(query.key), historyAway)
            : undefined
        const notices =
          cut !== undefined && since !== undefined && since < cut.before
            ? [notice(query, positions, cutNotice(cut))]
            : []
        const { tail } = query
        const now =
          tail !== undefined && query.after === undefined
            ? Stream.unwrap(
                Effect.map(presentTail(query, tail, since, positions), (entries) => Stream.fromIterable(entries))
              )
            : Stream.flattenIterables(present(query, since, positions))
        const first = Stream.concat(Stream.fromIterable(notices), now)
        return query.follow
          ? Stream.concat(first, Stream.flattenIterables(Stream.unwrapScoped(coming(query, since, positions))))
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
 * Lines of a service's instances, over all revisions: of those that live from their kubelet, of those that are gone from `LogHistory`, each
 * line once. Read forward by any replica; each reader has streams of its own, and a slow one makes only these wait.
 */
export class KubernetesLogs extends Context.Tag("@maxcloud/server/KubernetesLogs")<
  KubernetesLogs,
  {
    /**
     * Sorted by time what there is, and then as it comes, in order within 200 ms. Resumed by any entry's cursor no line is lost or doubled,
     * in the order of each instance. A follower's stream ends when the service has been deleted.
     */
    readonly read: (query: LogQuery) => Stream.Stream<LogEntry, RuntimeError>
    /** Is this a cursor that `read` has given? */
    readonly isCursor: (text: string) => boolean
    /** Bytes that are kept of an organization; null: not counted. */
    readonly bytes: (organizationId: OrganizationId) => Effect.Effect<number | null>
  }
>() {
  static readonly layer: Layer.Layer<KubernetesLogs, never, KubeApi | ClusterCache | LogHistory> = Layer.scoped(
    this,
    make
  )
}
