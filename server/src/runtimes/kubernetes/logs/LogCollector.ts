import { OrganizationId } from "@maxcloud/sdk/api"
import { label } from "@maxcloud/synth"
import { Effect, FiberMap, Layer, Option, Schedule, Schema, Stream } from "effect"
import { endWithin } from "../../../base/node/endWithin.ts"
import { type HistoryKey, LogHistory } from "../../../stores/logs/LogHistory.ts"
import { KubeApi } from "../../kubeApi/KubeApi.ts"
import { ClusterCache } from "../cache/ClusterCache.ts"
import type { PodObject } from "../cache/objects.ts"
import { makePodChanges } from "./PodChanges.ts"
import { followPod, podLogSource } from "./podLog.ts"
import { type BufferLimits, ServiceBuffer } from "./ServiceBuffer.ts"

export interface LogCollectorOptions extends Partial<BufferLimits> {
  /** Does this replica collect for an organization? Two that do for a moment do no harm. @default of all */
  readonly owns?: ((organizationId: string) => boolean) | undefined
  /** Told whenever `owns` may answer otherwise. */
  readonly ownershipChanges?: Stream.Stream<unknown> | undefined
  /** Instances whose ended runs are read at a time. @default 16 */
  readonly concurrency?: number | undefined
}

const organizationIdOf = Schema.decodeUnknownOption(OrganizationId)

const sweepMillis = 250

const make = (options: LogCollectorOptions) =>
  Effect.gen(function* () {
    const { concurrency = 16, owns = () => true } = options
    const limits: BufferLimits = {
      flushBytes: options.flushBytes ?? 2 ** 20,
      flushMillis: options.flushMillis ?? 60_000,
      allBytes: options.allBytes ?? 64 * 2 ** 20
    }
    const held = { bytes: 0 }
    const api = yield* KubeApi
    const cache = yield* ClusterCache
    const history = yield* LogHistory
    const changes = yield* makePodChanges(cache)
    const gate = yield* Effect.makeSemaphore(concurrency)
    const buffers = new Map<string, ServiceBuffer>()
    const oneOpener = yield* Effect.makeSemaphore(1)

    const presence = (key: HistoryKey) => (uid: string) =>
      cache.podsOf(key.namespace, key.service).some(({ metadata }) => metadata.uid === uid)

    let warnedAt = Number.NEGATIVE_INFINITY
    const flush = (buffer: ServiceBuffer) =>
      Effect.catchAll(buffer.flush(presence(buffer.key)), ({ message }) => {
        if (performance.now() - warnedAt < 60_000) return Effect.void
        warnedAt = performance.now()
        return Effect.logWarning(message)
      })
    // Registered before the fibers that fill buffers, so that it runs when these have ended.
    yield* Effect.addFinalizer(() =>
      Effect.forEach(buffers.values(), flush, { concurrency: 8, discard: true }).pipe(endWithin("10 seconds"))
    )
    const fibers = yield* FiberMap.make<string>()
    const fork = yield* FiberMap.runtime(fibers)<never>()

    const patiently = Effect.retry(
      Schedule.exponential("200 millis").pipe(Schedule.union(Schedule.spaced("10 seconds")), Schedule.jittered)
    )
    const bufferOf = (key: HistoryKey) =>
      oneOpener.withPermits(1)(
        Effect.suspend(() => {
          const name = `${key.namespace}/${key.service}`
          const known = buffers.get(name)
          if (known !== undefined) return Effect.succeed(known)
          return Effect.map(history.positions(key), (written) => {
            const buffer = new ServiceBuffer(key, history, written, limits, held)
            buffers.set(name, buffer)
            return buffer
          })
        })
      )

    const collect = (pod: PodObject, organizationId: OrganizationId, service: string) =>
      Effect.gen(function* () {
        const source = podLogSource(pod)
        const { namespace, uid } = source
        const key: HistoryKey = { organizationId, namespace, service }
        const buffer = yield* patiently(bufferOf(key))
        const isPresent = presence(key)
        yield* followPod({
          api,
          changes,
          gate,
          source,
          pod: () => cache.podsOf(namespace, service).find(({ metadata }) => metadata.uid === uid),
          from: { after: buffer.after(uid), since: undefined },
          give: (lines) => buffer.append(lines, isPresent),
          runEnded: () => buffer.ended()
        })
      })

    /** Instances that are followed, or are about to be. */
    const begun = new Map<string, OrganizationId>()
    const begin = (pod: PodObject) => {
      const { labels, namespace, uid } = pod.metadata
      const service = labels[label.service]
      const organization = organizationIdOf(cache.namespace(namespace)?.labels[label.organizationId])
      if (service === undefined || Option.isNone(organization) || begun.has(uid) || !owns(organization.value)) return
      begun.set(uid, organization.value)
      fork(
        uid,
        Effect.ensuring(
          collect(pod, organization.value, service),
          Effect.sync(() => begun.delete(uid))
        )
      )
    }
    const beginAll = Effect.sync(() => {
      for (const pod of cache.pods()) begin(pod)
    })

    const stop = changes.onAll(({ deleted, kind, metadata, service }) => {
      if (kind !== "pod" || deleted || service === undefined || begun.has(metadata.uid)) return
      const pod = cache.podsOf(metadata.namespace, service).find((_) => _.metadata.uid === metadata.uid)
      if (pod !== undefined) begin(pod)
    })
    yield* Effect.addFinalizer(() => Effect.sync(stop))

    const leave = Effect.gen(function* () {
      for (const [uid, organizationId] of begun) {
        if (!owns(organizationId)) yield* FiberMap.remove(fibers, uid)
      }
      for (const [name, buffer] of buffers) {
        if (owns(buffer.key.organizationId)) continue
        yield* flush(buffer)
        // Whoever collects now keeps the positions from here on.
        buffers.delete(name)
      }
    })
    yield* (options.ownershipChanges ?? Stream.empty).pipe(
      Stream.runForEach(() => Effect.zipRight(leave, beginAll)),
      Effect.forkScoped
    )
    yield* Effect.forkScoped(Effect.zipRight(cache.synced, beginAll))
    // One timer for all services.
    yield* Effect.suspend(() => {
      const now = performance.now()
      const due = [...buffers.values()].filter((buffer) => buffer.isDue(now))
      return Effect.forEach(due, flush, { concurrency: 8, discard: true })
    }).pipe(Effect.repeat(Schedule.spaced(sweepMillis)), Effect.forkScoped)
    yield* history.retain(owns).pipe(
      Effect.catchAll(({ message }) => Effect.logWarning(message)),
      Effect.delay("1 minute"),
      Effect.zipRight(Effect.sleep("1 hour")),
      Effect.forever,
      Effect.forkScoped
    )
  })

/**
 * Follows every instance of the organizations that this replica owns from its start, and keeps its lines in `LogHistory`. It goes on after
 * a restart where it was: lines of a pod that still exists are neither lost nor kept twice.
 */
export const layer = (options: LogCollectorOptions): Layer.Layer<never, never, KubeApi | ClusterCache | LogHistory> =>
  Layer.scopedDiscard(make(options))
