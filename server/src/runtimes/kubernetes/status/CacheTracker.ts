import type { ServiceName } from "@maxcloud/config-schema"
import { Clock, Effect, Layer, Option, Stream } from "effect"
import { KubeApi } from "../../kubeApi/KubeApi.ts"
import type { ServiceKey } from "../../port/Runtime.ts"
import { ClusterMemory } from "../ClusterMemory.ts"
import { type CacheChange, ClusterCache } from "../cache/ClusterCache.ts"
import { CoalescingHub } from "../cache/CoalescingHub.ts"
import { seenService } from "./assess.ts"
import { instancesBefore } from "./lostInstances.ts"
import { makePublisher } from "./publisher.ts"
import { revisionsOf, statusOf } from "./statusOf.ts"
import { Tracker } from "./Tracker.ts"
import { makeVerdicts } from "./verdicts.ts"

/** The kinds that a service's status depends on. */
const judgedBy: ReadonlySet<CacheChange["kind"]> = new Set(["service", "revision", "pod", "event"])

/** A service, or a namespace. */
interface Changed {
  readonly namespace: string
  readonly service: ServiceName | undefined
}

const make = Effect.gen(function* () {
  const api = yield* KubeApi
  const cache = yield* ClusterCache
  const publisher = makePublisher(cache)
  const { awaySince } = yield* ClusterMemory
  const verdicts = yield* makeVerdicts({ ...api, awaySince }, cache, publisher.publish)

  // Several objects of a service mostly change together, above all when everything is listed: they need one look.
  const changed = new CoalescingHub<Changed>()
  yield* changed.stream.pipe(
    Stream.runForEachChunk((chunk) =>
      Effect.zipRight(
        verdicts.synced,
        Effect.forEach(
          chunk,
          (each) =>
            each.service === undefined
              ? Effect.sync(() => publisher.namespaceChanged(each.namespace))
              : verdicts.lookAndTell(each.namespace, each.service),
          { discard: true }
        )
      )
    ),
    Effect.forkScoped
  )
  yield* cache.changes.pipe(
    Stream.runForEachChunk((changes) =>
      Effect.sync(() => {
        for (const { kind, name, namespace, service } of changes) {
          if (kind === "namespace") changed.publish(name, { namespace: name, service: undefined })
          else if (service !== undefined && judgedBy.has(kind))
            changed.publish(`${namespace}/${service}`, { namespace, service })
        }
      })
    ),
    Effect.forkScoped
  )

  return Tracker.of({
    status: Effect.fn("Tracker.status")(function* ({ namespace, service }: ServiceKey) {
      const seen = seenService(cache, namespace, service)
      if (seen === undefined) return Option.none()
      const verdict = yield* verdicts.verdictOn(seen, yield* Clock.currentTimeMillis)
      const status = statusOf(service, seen.service, seen.revisions, seen.pods, verdict)
      const before = instancesBefore(cache.namespace(namespace), seen.pods)
      return Option.some(before === undefined ? status : { ...status, instances: before, losing: true })
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

export const layer: Layer.Layer<Tracker, never, KubeApi | ClusterCache | ClusterMemory> = Layer.scoped(Tracker, make)
