import { describe, expect, it } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import { Deferred, Effect, Layer, Stream } from "effect"
import { knativeService } from "../../../../test/kubernetes/testObjects.ts"
import { KubeApi } from "../../kubeApi/KubeApi.ts"
import { ClusterMemory } from "../ClusterMemory.ts"
import { type CacheChange, ClusterCache } from "../cache/ClusterCache.ts"
import * as CacheTracker from "./CacheTracker.ts"
import { Tracker } from "./Tracker.ts"

const web = ServiceName.make("web")
const found = knativeService()
const { metadata } = found
/** Nothing is asked: the services don't exist. */
const api = Layer.mock(KubeApi, {
  server: "",
  awaySince: () => 0,
  request: () => Effect.die("unused"),
  answer: () => Effect.die("unused"),
  stream: () => Stream.die("unused"),
  socket: () => Effect.die("unused"),
  list: () => Effect.die("unused"),
  watch: () => Stream.die("unused")
})
const kinds = ["service", "revision", "route", "pod", "serviceAccount"] as const
const changeOf = (kind: CacheChange["kind"], service: ServiceName | undefined): CacheChange => ({
  kind,
  namespace: kind === "namespace" ? "" : metadata.namespace,
  name: kind === "namespace" ? metadata.namespace : `${service ?? "own"}-object`,
  service,
  deleted: false,
  metadata
})

describe("the tracker", () => {
  it.live(
    "looks once at a service whose objects are all listed before it can judge, and not for objects that don't count",
    () =>
      Effect.gen(function* () {
        const synced = yield* Deferred.make<void>()
        const read = yield* Deferred.make<void>()
        const done = yield* Deferred.make<void>()
        const looks: Array<string> = []
        const cache = Layer.mock(ClusterCache, {
          synced: Deferred.await(synced),
          service: (_, name) => {
            looks.push(name)
            if (name === "last") Deferred.unsafeDone(done, Effect.void)
            return undefined
          },
          follows: () => true,
          refresh: () => Effect.void,
          eventsOf: () => [],
          metadataOf: () => undefined,
          namespace: () => undefined,
          pods: () => [],
          sizes: () => ({}),
          revision: () => undefined,
          revisionsOf: () => [],
          podsOf: () => [],
          changes: Stream.make(
            changeOf("namespace", undefined),
            ...kinds.map((kind) => changeOf(kind, web)),
            changeOf("networkPolicy", undefined),
            changeOf("secret", ServiceName.make("settings")),
            changeOf("service", ServiceName.make("last"))
          ).pipe(
            Stream.rechunk(1),
            Stream.concat(Stream.fromEffect(Effect.zipRight(Deferred.succeed(read, undefined), Effect.never)))
          )
        })
        const live = CacheTracker.layer.pipe(
          Layer.provide(Layer.mergeAll(cache, api, Layer.succeed(ClusterMemory, { awaySince: () => 0 })))
        )
        yield* Effect.gen(function* () {
          yield* Tracker
          yield* Deferred.await(read)
          expect(looks).toEqual([])
          yield* Deferred.succeed(synced, undefined)
          yield* Deferred.await(done)
          expect(looks).toEqual(["web", "last"])
        }).pipe(Effect.provide(live))
      })
  )
})
