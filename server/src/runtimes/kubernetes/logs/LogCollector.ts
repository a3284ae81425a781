import { Effect, Layer, Schedule, Stream } from "effect"
import { keepDoing, watchOver } from "../../../base/node/keepDoing.ts"
import { type HistoryKey, LogHistory } from "../../../stores/logs/LogHistory.ts"
import { KubeApi } from "../../kubeApi/KubeApi.ts"
import { ClusterCache } from "../cache/ClusterCache.ts"
import type { PodObject } from "../cache/objects.ts"
import { makeFollowedInstances } from "./followedInstances.ts"
import { makePodChanges } from "./PodChanges.ts"
import { PodFeeds } from "./PodFeeds.ts"
import { podLogSource } from "./podLog.ts"
import type { BufferLimits } from "./ServiceBuffer.ts"
import { makeServiceBuffers } from "./serviceBuffers.ts"

export interface LogCollectorOptions extends Partial<BufferLimits> {
  /** Does this replica collect for an organization? Two replicas doing so for a moment do no harm. @default all */
  readonly owns?: ((organizationId: string) => boolean) | undefined
  /** Emits whenever `owns` may have changed. */
  readonly ownershipChanges?: Stream.Stream<unknown> | undefined
  /** How many ended instances to read at a time. @default 16 */
  readonly concurrency?: number | undefined
}

const sweepMillis = 250

const untilItSucceeds = Schedule.exponential("200 millis").pipe(
  Schedule.union(Schedule.spaced("10 seconds")),
  Schedule.jittered
)

const limitsOf = (options: Partial<BufferLimits>): BufferLimits => ({
  flushBytes: options.flushBytes ?? 2 ** 20,
  flushMillis: options.flushMillis ?? 60_000,
  allBytes: options.allBytes ?? 64 * 2 ** 20
})

const make = (options: LogCollectorOptions) =>
  Effect.gen(function* () {
    const { concurrency = 16, owns = () => true } = options
    const api = yield* KubeApi
    const cache = yield* ClusterCache
    const history = yield* LogHistory
    const changes = yield* makePodChanges(cache)
    const gate = yield* Effect.makeSemaphore(concurrency)
    const feeds = yield* PodFeeds

    const podOf = ({ namespace, service }: HistoryKey, uid: string) =>
      cache.podsOf(namespace, service).find(({ metadata }) => metadata.uid === uid)
    const isPresent = (key: HistoryKey) => (uid: string) => podOf(key, uid) !== undefined

    // Comes before the fibers that fill buffers, so that the rest is written after these have ended.
    const buffers = yield* makeServiceBuffers(history, limitsOf(options), isPresent)

    const collect = (pod: PodObject, key: HistoryKey) =>
      Effect.gen(function* () {
        const source = podLogSource(pod)
        const buffer = yield* Effect.orDie(Effect.retry(buffers.open(key), untilItSucceeds))
        yield* feeds.follow({
          api,
          changes,
          essential: true,
          gate,
          source,
          pod: () => podOf(key, source.uid),
          from: { after: buffer.after(source.uid), since: undefined },
          give: (lines) => buffer.append(lines, isPresent(key)),
          runEnded: () => buffer.ended()
        })
      })
    const instances = yield* makeFollowedInstances(cache, owns, collect)

    const stop = changes.onAll(({ deleted, kind, metadata, service }) => {
      if (kind !== "pod" || deleted || service === undefined || instances.isFollowed(metadata.uid)) return
      const pod = cache.podsOf(metadata.namespace, service).find((object) => object.metadata.uid === metadata.uid)
      if (pod !== undefined) instances.begin(pod)
    })
    yield* Effect.addFinalizer(() => Effect.sync(stop))

    const watched = watchOver("ownership of logs")
    yield* (options.ownershipChanges ?? Stream.empty).pipe(
      Stream.runForEach(() =>
        watched(Effect.all([instances.leave, buffers.leave(owns), instances.beginAll], { discard: true }))
      ),
      Effect.forkScoped
    )
    yield* Effect.forkScoped(Effect.zipRight(cache.synced, instances.beginAll))
    // One timer for all services.
    yield* keepDoing("writing of collected logs", sweepMillis, buffers.flushDue)
    yield* keepDoing("deletion of old logs", { every: "1 hour", after: "1 minute" }, history.retain(owns))
  })

/**
 * Follows every instance of this replica's organizations from its start, and stores its lines in `LogHistory`. After a restart it
 * continues where it was: lines of existing pods are neither lost nor stored twice.
 */
export const layer = (options: LogCollectorOptions): Layer.Layer<never, never, KubeApi | ClusterCache | LogHistory> =>
  Layer.scopedDiscard(make(options)).pipe(Layer.provide(PodFeeds.layer))
