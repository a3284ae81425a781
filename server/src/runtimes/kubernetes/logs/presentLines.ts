import { label } from "@maxcloud/synth"
import { Effect, Stream } from "effect"
import type { LogHistory, LogHistoryError } from "../../../stores/logs/LogHistory.ts"
import { type LogLine, millisOf, timeOf } from "../../../stores/logs/LogLine.ts"
import type { KubeApi, KubeError } from "../../kubeApi/KubeApi.ts"
import { type LogQuery, RuntimeError } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import { deliver } from "./logEntries.ts"
import { mergeSorted } from "./mergeSorted.ts"
import { podLines, podLogSource, podTail } from "./podLog.ts"
import type { ReaderPositions } from "./ReaderPositions.ts"

/** Lines may come later than others that were written after them, by so much at most: the delay of a stream, and the clocks of two nodes. */
export const latenessMillis = 10_000

type Lines = ReadonlyArray<LogLine>

const clusterAway = ({ message }: KubeError) =>
  new RuntimeError({ reason: "unavailable", message: `Instances' logs cannot be read: ${message}` })
export const historyAway = ({ message }: LogHistoryError) => new RuntimeError({ reason: "unavailable", message })

/** The oldest time that is asked for, as `LogLine.t`. */
export const sinceOf = ({ since }: LogQuery): string | undefined => (since === undefined ? undefined : timeOf(since))

const podsOf = (cache: ClusterCache["Type"], { key, revision }: LogQuery) =>
  cache
    .podsOf(key.namespace, key.service)
    .filter(({ metadata }) => revision === undefined || metadata.labels[label.revision] === revision)

/** Kept lines that are not among those that a reader has. */
export const keptLines = (
  history: LogHistory["Type"],
  query: LogQuery,
  has: ReaderPositions
): Stream.Stream<Lines, RuntimeError> =>
  history.read(query.key, { since: has.floor === "" ? sinceOf(query) : has.oldest, revision: query.revision }).pipe(
    Stream.map((lines): Lines => lines.filter((line) => !has.has(line))),
    Stream.mapError(historyAway)
  )

/** Just before a line's time, but not in the last moments, of which more may come. */
const before = (t: string | undefined, end: number): string =>
  timeOf(Math.max(0, Math.min(end, t === undefined ? end : millisOf(t) - 1)))

/** The present lines, kept and live, each once. */
export const presentLines = (
  api: KubeApi["Type"],
  cache: ClusterCache["Type"],
  history: LogHistory["Type"],
  query: LogQuery,
  positions: ReaderPositions
) => {
  const end = Date.now() - latenessMillis
  const live = podsOf(cache, query).map((pod) => {
    const after = positions.after(pod.metadata.uid)
    return Stream.mapError(podLines(api, podLogSource(pod), { after, since: sinceOf(query) }), clusterAway)
  })
  // As it is now: what is delivered meanwhile is known as a double by the merge.
  const old = keptLines(history, query, positions.copy())
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

/** The last `tail` lines of what there is now. */
export const presentTail = (
  api: KubeApi["Type"],
  cache: ClusterCache["Type"],
  history: LogHistory["Type"],
  query: LogQuery,
  positions: ReaderPositions,
  tail: number
) =>
  Effect.gen(function* () {
    const end = Date.now() - latenessMillis
    const since = sinceOf(query)
    const live = yield* Effect.forEach(podsOf(cache, query), (pod) => podTail(api, podLogSource(pod), tail), {
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
    // A reader that resumes won't ask for lines before the tail.
    positions.raise(before(all[begin]?.t, end))
    const entries = deliver(query, positions, all.slice(begin))
    positions.raise(timeOf(end))
    return entries
  })
