import { label } from "@maxcloud/synth"
import { Effect, FiberMap, Option, Stream } from "effect"
import { comparePositions, type LogLine } from "../../../stores/logs/LogLine.ts"
import type { KubeApi } from "../../kubeApi/KubeApi.ts"
import type { LogQuery, RuntimeError } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import type { PodObject } from "../cache/objects.ts"
import { LiveMerge } from "./LiveMerge.ts"
import type { PodChanges } from "./PodChanges.ts"
import type { PodFeeds } from "./PodFeeds.ts"
import { podLogSource } from "./podLog.ts"
import type { ReaderPositions } from "./ReaderPositions.ts"

export interface LiveLinesOptions {
  readonly api: KubeApi["Type"]
  readonly cache: ClusterCache["Type"]
  readonly changes: PodChanges
  readonly feeds: PodFeeds["Type"]
  readonly query: LogQuery
  readonly since: string | undefined
  /** The reader's position. The consumer of the lines updates it. */
  readonly positions: ReaderPositions
  /** Stored lines that a reader doesn't have yet. */
  readonly kept: (has: ReaderPositions) => Stream.Stream<ReadonlyArray<LogLine>, RuntimeError>
}

export interface LiveLines {
  readonly lines: ReadonlyArray<LogLine>
  /** The newest time of a line so far. */
  readonly newest: string
  /** Uids of instances whose lines may be much older than the newest: reading them hasn't started, or has just begun. */
  readonly lagging: ReadonlyArray<string>
}

/** If an instance was silent this long while we waited for more, it lags by no more than this. */
const settledMillis = 8_000

/** The merged lines, with how far behind the instances may be. */
const taken = (merge: LiveMerge, currentSince: ReadonlyMap<string, number | undefined>): Stream.Stream<LiveLines> =>
  Stream.repeatEffectOption(
    Effect.flatMap(merge.take, (lines) => (lines === undefined ? Effect.fail(Option.none()) : Effect.succeed(lines)))
  ).pipe(
    Stream.mapAccum("", (before, lines) => {
      let newest = before
      for (const { t } of lines) if (t > newest) newest = t
      const settled = performance.now() - settledMillis
      const lagging = [...currentSince].filter(([, since]) => since === undefined || since > settled)
      return [newest, { lines, newest, lagging: lagging.map(([uid]) => uid) }]
    })
  )

/** New lines from current and future instances, until the service is deleted. */
export const liveLines = (options: LiveLinesOptions) =>
  Effect.gen(function* () {
    const { api, cache, changes, feeds, kept, positions, query, since } = options
    const { namespace, service } = query.key
    const merge = new LiveMerge()
    const fibers = yield* FiberMap.make<string>()
    const fork = yield* FiberMap.runtime(fibers)<never>()
    /** Every instance that was ever followed. */
    const known = new Set<string>()
    /** The currently followed instances by uid, with the time since when all existing lines have been given. */
    const currentSince = new Map<string, number | undefined>()

    const podOf = (uid: string) => cache.podsOf(namespace, service).find(({ metadata }) => metadata.uid === uid)

    const fromHistory = (has: ReaderPositions, wanted: (line: LogLine) => boolean) =>
      kept(has).pipe(
        Stream.map((lines) => lines.filter(wanted)),
        Stream.runForEach((lines) => (lines.length === 0 ? Effect.void : merge.give(lines))),
        Effect.catchAll(({ message }) => Effect.logWarning(message))
      )

    const follow = (pod: PodObject) =>
      Effect.gen(function* () {
        const source = podLogSource(pod)
        const { uid } = source
        const current = (current: boolean) => currentSince.set(uid, current ? performance.now() : undefined)
        const { after, complete } = yield* feeds.follow({
          api,
          changes,
          pod: () => podOf(uid),
          source,
          from: { after: positions.after(uid), since },
          give: (lines, live) =>
            Effect.suspend(() => {
              current(false)
              return Effect.map(merge.give(lines), () => void current(live))
            }),
          current
        })
        // Gone before everything was read: the log history has the rest.
        if (complete) return
        current(false)
        const isRest = (line: LogLine) => line.uid === uid && (after === undefined || comparePositions(line, after) > 0)
        yield* fromHistory(positions.copy(), isRest)
      })

    const start = () => {
      for (const pod of cache.podsOf(namespace, service)) {
        const { labels, uid } = pod.metadata
        if (known.has(uid)) continue
        if (query.revision !== undefined && labels[label.revision] !== query.revision) continue
        known.add(uid)
        currentSince.set(uid, undefined)
        merge.instances = currentSince.size
        const ended = Effect.sync(() => {
          currentSince.delete(uid)
          merge.instances = currentSince.size
        })
        fork(uid, Effect.ensuring(follow(pod), ended))
      }
    }
    const endWhenQuiet = Effect.gen(function* () {
      while (currentSince.size > 0) yield* Effect.sleep("200 millis")
      if (cache.service(namespace, service) === undefined) merge.end()
    })
    const stop = changes.onService(namespace, service, ({ deleted, kind }) => {
      if (kind === "pod") start()
      else if (deleted && cache.service(namespace, service) === undefined) fork("end", endWhenQuiet)
    })
    yield* Effect.addFinalizer(() => Effect.sync(stop))
    start()
    // Instances that came and went since the reader last looked have only stored lines.
    fork(
      "gone",
      fromHistory(positions.copy(), (line) => !known.has(line.uid))
    )

    return taken(merge, currentSince)
  })
