import { Clock, Effect, Layer, Option, Stream } from "effect"
import { KubeApi } from "../../kubeApi/KubeApi.ts"
import type { ServiceKey } from "../../port/Runtime.ts"
import { ClusterCache } from "../cache/ClusterCache.ts"
import { seenService } from "./assess.ts"
import { makePublisher } from "./publisher.ts"
import { revisionsOf, statusOf } from "./statusOf.ts"
import { Tracker } from "./Tracker.ts"
import { makeVerdicts } from "./verdicts.ts"

const make = Effect.gen(function* () {
  const api = yield* KubeApi
  const cache = yield* ClusterCache
  const publisher = makePublisher(cache)
  const verdicts = yield* makeVerdicts(api, cache, publisher.publish)

  yield* cache.changes.pipe(
    Stream.tap(() => verdicts.synced),
    Stream.runForEach(({ kind, name, namespace, service }) => {
      if (kind !== "namespace") return service === undefined ? Effect.void : verdicts.lookAndTell(namespace, service)
      return Effect.sync(() => publisher.namespaceChanged(name))
    }),
    Effect.forkScoped
  )

  return Tracker.of({
    status: Effect.fn("Tracker.status")(function* ({ namespace, service }: ServiceKey) {
      const seen = seenService(cache, namespace, service)
      if (seen === undefined) return Option.none()
      const verdict = yield* verdicts.verdictOn(seen, yield* Clock.currentTimeMillis)
      return Option.some(statusOf(service, seen.service, seen.revisions, seen.pods, verdict))
    }),
    revisions: ({ namespace, service }) =>
      Effect.sync(() =>
        revisionsOf(
          service,
          cache.service(namespace, service),
          cache.revisionsOf(namespace, service),
          cache.podsOf(namespace, service)
        )
      ),
    changes: publisher.changes
  })
})

export const layer: Layer.Layer<Tracker, never, KubeApi | ClusterCache> = Layer.scoped(Tracker, make)
