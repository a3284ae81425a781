import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, layer } from "@effect/vitest"
import type { LogEntry } from "@maxcloud/sdk/api"
import { Context, Effect, Exit, Fiber, Layer, Schedule, Scope, Stream } from "effect"
import { describeCluster, layerTest } from "../../../../test/kubeApi/testCluster.ts"
import {
  deletePod,
  eventually,
  linesImage,
  namespaceFor,
  newServiceKey,
  numbersOf,
  queryOf,
  startPod
} from "../../../../test/kubernetes/testPods.ts"
import { LogHistory, layerFolder } from "../../../stores/logs/LogHistory.ts"
import { KubeApi } from "../../kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../kubeApi/kinds.ts"
import { ClusterCache } from "../cache/ClusterCache.ts"
import * as Cache from "../cache/WatchedCache.ts"
import { KubernetesLogs } from "./KubernetesLogs.ts"
import * as LogCollector from "./LogCollector.ts"

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "maxcloud-history-"))),
  (found) => Effect.promise(() => rm(found, { recursive: true, force: true }))
)
const logsLayer = Layer.unwrapScoped(
  Effect.map(folder, (directory) => Layer.provideMerge(KubernetesLogs.layer, layerFolder({ directory })))
)
const clusterTest = logsLayer.pipe(Layer.provideMerge(Cache.layer), Layer.provideMerge(layerTest))

/** A collector that can be stopped, as by a crash of the server. */
const collector = Effect.gen(function* () {
  const scope = yield* Scope.make()
  yield* Layer.buildWithScope(LogCollector.layer({ flushMillis: 2_000 }), scope)
  return Scope.close(scope, Exit.void)
})

const follow = (query: ReturnType<typeof queryOf>) =>
  Effect.gen(function* () {
    const logs = yield* KubernetesLogs
    const entries: Array<LogEntry> = []
    const fiber = yield* Effect.forkScoped(
      Stream.runForEach(logs.read(query), (entry) => Effect.sync(() => entries.push(entry)))
    )
    return { entries, stop: Fiber.interrupt(fiber) }
  })

const expectEachOnce = (entries: ReadonlyArray<LogEntry>) => {
  for (const [run, numbers] of numbersOf(entries)) {
    expect([run, numbers]).toEqual([run, Array.from(numbers, (_, i) => i)])
  }
}

const total = (entries: ReadonlyArray<LogEntry>) => entries.filter(({ stream }) => stream === "stdout").length

describeCluster("logs (KUBECONFIG)", () => {
  layer(clusterTest, { excludeTestServices: true, timeout: "60 seconds" })((it) => {
    it.scoped(
      "gives every number once through crashes, new and deleted pods, a collector that stops in between, and readers that resume",
      () =>
        Effect.gen(function* () {
          yield* (yield* ClusterCache).synced
          const logs = yield* KubernetesLogs
          const key = newServiceKey("logs")
          const image = yield* linesImage
          yield* namespaceFor(key)
          const endCollector = yield* collector
          yield* startPod(key, image, "writer-a", { LINES: "500", EVERY: "5ms" })
          yield* startPod(key, image, "writer-b", { LINES: "20", EVERY: "7ms", LIFE: "3s" })
          const reader = yield* follow(queryOf(key, { follow: true }))
          /** It is interrupted constantly, and resumes each time. */
          const cut: Array<LogEntry> = []
          const resuming = yield* Effect.forkScoped(
            Effect.suspend(() =>
              logs.read(queryOf(key, { follow: true, after: cut.at(-1)?.cursor })).pipe(
                Stream.take(1 + Math.trunc(Math.random() * 400)),
                Stream.runForEach((entry) => Effect.sync(() => cut.push(entry))),
                Effect.timeoutOption("700 millis")
              )
            ).pipe(Effect.forever)
          )
          // Takes one line, and then none for long.
          const stalled = yield* Effect.forkScoped(
            logs.read(queryOf(key, { follow: true })).pipe(Stream.runForEach(() => Effect.sleep("1 hour")))
          )
          yield* Effect.promise(() => eventually("two runs of b", () => numbersOf(reader.entries).size >= 3))
          yield* endCollector
          yield* startPod(key, image, "writer-c", { LINES: "3000", EVERY: "3ms", BYTES: "100" }, "writer-00002")
          yield* Effect.promise(() => eventually("three pods", () => numbersOf(reader.entries).size >= 4))
          const endSecond = yield* collector
          // The collector must reach the pods while they exist.
          const before = total(reader.entries)
          const history = yield* LogHistory
          const collected = Effect.map(
            Stream.runFold(history.read(key, {}), 0, (sum, lines) => sum + lines.length),
            (sum) => sum >= before
          )
          yield* Effect.repeat(collected, { until: (value) => value, schedule: Schedule.spaced("200 millis") })
          yield* Effect.forEach(["writer-a", "writer-b", "writer-c"], (name) => deletePod(key, name))
          const cache = yield* ClusterCache
          yield* Effect.promise(() =>
            eventually("pods are gone", () => cache.podsOf(key.namespace, key.service).length === 0)
          )
          const collectedAll = Effect.map(
            Stream.runFold(history.read(key, {}), 0, (sum, lines) => sum + lines.length),
            (sum) => sum >= total(reader.entries) && total(cut) >= total(reader.entries)
          )
          yield* Effect.repeat(collectedAll, { until: (value) => value, schedule: Schedule.spaced("200 millis") })
          // Duplicates would appear now.
          yield* Effect.sleep("500 millis")
          yield* Fiber.interrupt(resuming)
          yield* Fiber.interrupt(stalled)
          yield* reader.stop
          expect(numbersOf(reader.entries).size).toBeGreaterThanOrEqual(4)
          expectEachOnce(reader.entries)
          expectEachOnce(cut)
          // Nothing runs any more: the history is complete.
          const kept = [...(yield* Stream.runCollect(logs.read(queryOf(key, { since: Date.now() - 7_200_000 }))))]
          expectEachOnce(kept)
          const counts = (entries: ReadonlyArray<LogEntry>) =>
            Object.fromEntries([...numbersOf(entries)].map(([run, numbers]) => [run, numbers.length]))
          expect(counts(kept)).toEqual(counts(reader.entries))
          expect(counts(cut)).toEqual(counts(kept))
          expect(kept.map(({ at }) => at)).toEqual(kept.map(({ at }) => at).toSorted())
          const second = [...(yield* Stream.runCollect(logs.read(queryOf(key, { revision: "writer-00002", tail: 5 }))))]
          expect(second.map(({ line }) => line)).toEqual(
            kept
              .filter(({ revision }) => revision === "writer-00002")
              .slice(-5)
              .map(({ line }) => line)
          )
          yield* endSecond
        }).pipe(Effect.provide(Context.empty())),
      90_000
    )

    it.scoped(
      "gives all of a large log to a follower",
      () =>
        Effect.gen(function* () {
          yield* (yield* ClusterCache).synced
          const logs = yield* KubernetesLogs
          const api = yield* KubeApi
          const key = newServiceKey("speed")
          const image = yield* linesImage
          yield* namespaceFor(key)
          const lines = 60_000
          yield* startPod(key, image, "fast", { LINES: String(lines), BYTES: "80" })
          const cache = yield* ClusterCache
          yield* Effect.promise(() =>
            eventually("runs", () =>
              cache
                .podsOf(key.namespace, key.service)
                .some(({ status }) => status.containerStatuses.some((containerStatus) => containerStatus.ready))
            )
          )
          const path = `${pathOf(kinds.pod, key.namespace, "fast")}/log`
          const rawStart = performance.now()
          let bytes = 0
          yield* Stream.runForEach(api.stream({ path, query: { timestamps: "true" } }), (found) =>
            Effect.sync(() => {
              bytes += found.length
            })
          )
          const raw = performance.now() - rawStart
          const start = performance.now()
          const read = yield* Stream.runCount(Stream.take(logs.read(queryOf(key, { follow: true })), lines))
          const took = performance.now() - start
          expect(read).toBe(lines)
          console.log(
            `${Math.round(lines / took)} lines/ms; the API server alone: ${Math.round(lines / raw)} (${bytes} bytes)`
          )
        }).pipe(Effect.provide(Context.empty())),
      60_000
    )
  })
})
