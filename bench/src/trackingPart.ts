/** The measured process of the tracking benchmark: follows the cluster of KUBECONFIG, and on request prints a JSON line about its own use. */
import { createInterface } from "node:readline"
import { Effect, Layer, ManagedRuntime, Stream } from "effect"
import { layer as apiLayer } from "../../server/src/runtimes/kubeApi/HttpKubeApi.ts"
import { layerNone as noMemory } from "../../server/src/runtimes/kubernetes/ClusterMemory.ts"
import { ClusterCache } from "../../server/src/runtimes/kubernetes/cache/ClusterCache.ts"
import { layer as cacheLayer } from "../../server/src/runtimes/kubernetes/cache/WatchedCache.ts"
import { layer as trackerLayer } from "../../server/src/runtimes/kubernetes/status/CacheTracker.ts"
import { Tracker } from "../../server/src/runtimes/kubernetes/status/Tracker.ts"

let told = 0
const rest = async () => {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}
const start = process.hrtime.bigint()
const runtime = ManagedRuntime.make(
  trackerLayer.pipe(
    Layer.provide(noMemory),
    Layer.provideMerge(cacheLayer),
    Layer.provideMerge(apiLayer({ source: { type: "standard" } }))
  )
)
const sizes = await runtime.runPromise(
  Effect.gen(function* () {
    const cache = yield* ClusterCache
    yield* cache.synced
    return cache.sizes()
  })
)
const syncSeconds = Number(process.hrtime.bigint() - start) / 1e9
const syncCpuSeconds = (process.cpuUsage().user + process.cpuUsage().system) / 1e6
runtime.runFork(
  Effect.flatMap(Tracker, (tracker) => Stream.runForEach(tracker.changes, () => Effect.sync(() => told++)))
)
await rest()
const { heapUsed, external, rss } = process.memoryUsage()
console.log(JSON.stringify({ sizes, syncSeconds, syncCpuSeconds, heap: heapUsed + external, rss }))
let before = process.cpuUsage()
createInterface({ input: process.stdin }).on("line", () => {
  const { system, user } = process.cpuUsage(before)
  console.log(JSON.stringify({ cpuSeconds: (system + user) / 1e6, told }))
  before = process.cpuUsage()
})
