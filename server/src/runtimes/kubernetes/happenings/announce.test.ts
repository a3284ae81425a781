import { expect, it } from "@effect/vitest"
import { AppName, OrganizationName, productionStage, ServiceName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Deferred, Effect, Fiber } from "effect"
import { mockCluster } from "../../../../test/kubernetes/mockCluster.ts"
import { knativeService } from "../../../../test/kubernetes/testObjects.ts"
import { KubeApi } from "../../kubeApi/KubeApi.ts"
import { ClusterCache } from "../cache/ClusterCache.ts"
import { makeAnnounce } from "./announce.ts"

const key = {
  organizationId: OrganizationId.make(`org_${"a".repeat(32)}`),
  organization: OrganizationName.make("acme"),
  app: AppName.make("shop"),
  stage: productionStage,
  namespace: "acme",
  service: ServiceName.make("web")
}

it.effect("an event at the start of a server is written once the cache knows the cluster's objects", () =>
  Effect.gen(function* () {
    const listed = yield* Deferred.make<void>()
    let known: ReturnType<typeof knativeService> | undefined
    const written: Array<unknown> = []
    const services = mockCluster(
      { request: ({ body }) => Effect.sync(() => written.push(body)) },
      { synced: Deferred.await(listed), service: () => known }
    )
    yield* Effect.gen(function* () {
      const announce = makeAnnounce(yield* KubeApi, yield* ClusterCache)
      const notice = { id: "evt", at: new Date(0), severity: "Normal", reason: "Paused", message: "It is." } as const
      const announcing = yield* Effect.fork(announce(key, notice))
      yield* Effect.yieldNow()
      expect(written).toEqual([])
      known = knativeService()
      yield* Deferred.succeed(listed, undefined)
      yield* Fiber.join(announcing)
      expect(written).toMatchObject([{ reason: "Paused", involvedObject: { kind: "Service", name: "web" } }])
      // Now it is known that there is no such service.
      known = undefined
      yield* announce(key, notice)
      expect(written.length).toBe(1)
    }).pipe(Effect.provide(services))
  })
)
