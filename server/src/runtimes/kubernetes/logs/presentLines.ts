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

/** How much later a line may arrive than lines written after it: the delay of a stream, and the clock skew of two nodes. */
export const latenessMillis = 10_000

type Lines = ReadonlyArray<LogLine>

const clusterAway = ({ message }: KubeError) =>
  new RuntimeError({ reason: "unavailable", message: `Couldn't read the instances' logs: ${message}` })
export const historyAway = ({ message }: LogHistoryError) => new RuntimeError({ reason: "unavailable", message })

/** The oldest requested time, as `LogLine.t`. */
export const sinceOf = ({ since }: LogQuery): string | undefined => (since === undefined ? undefined : timeOf(since))

const podsOf = (cache: ClusterCache["Type"], { key, revision }: LogQuery) =>
  cache
    .podsOf(key.namespace, key.service)
    .filter(({ metadata }) => revision === undefined || metadata.labels[label.revision] === revision)

/** Stored lines that a reader doesn't have yet. */
export const keptLines = (
  history: LogHistory["Type"],
  query: LogQuery,
  has: ReaderPositions
): Stream.Stream<Lines, RuntimeError> =>
  history.read(query.key, { since: has.floor === "" ? sinceOf(query) : has.oldest, revision: query.revision }).pipe(
    Stream.map((lines): Lines => lines.filter((line) => !has.has(line))),
    Stream.mapError(historyAway)
  )

/** Just before a line's time, but not in the last moments, in which more lines may arrive. */
const before = (t: string | undefined, end: number): string =>
  timeOf(Math.max(0, Math.min(end, t === undefined ? end : millisOf(t) - 1)))

/** The existing lines, stored and live, each once. */
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
  // Take the position as it is now: the merge recognizes anything delivered meanwhile as a duplicate.
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

/** The last `tail` of the existing lines. */
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
    // A reader that resumes doesn't ask for lines before the tail.
    positions.raise(before(all[begin]?.t, end))
    const entries = deliver(query, positions, all.slice(begin))
    positions.raise(timeOf(end))
    return entries
  })
