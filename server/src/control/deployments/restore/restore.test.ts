import { SqlClient } from "@effect/sql/SqlClient"
import { expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { databaseTest, madeDataDir } from "../../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, testServer } from "../../../../test/deployments/testServer.ts"
import { listServices } from "../../../../test/wholeLists.ts"
import type { RestoreProgress } from "./Restore.ts"
import { followRestore } from "./restoreAll.ts"

it.scopedLive(
  "brings lost services back: those without instances while revisions start at zero, the others afterwards",
  () =>
    Effect.gen(function* () {
      const dataDir = yield* madeDataDir
      const database = databaseTest({ dataDir })
      const first = yield* makeFakeRuntime
      const org = yield* Effect.gen(function* () {
        const sql = yield* SqlClient
        const org = yield* newOrganization
        const services = [{ name: "asleep" }, { name: "busy" }, { name: "wanted", scale: { min: 1 } }]
        yield* finished(org, yield* deploy(org, services))
        yield* sql`update services set status = jsonb_set(status, '{instances}', '0') where organization_id = ${org.id} and name <> 'busy'`
        return org
      }).pipe(Effect.provide(Layer.provideMerge(testServer(first.layer, dataDir), database)))

      // A new cluster, whose initial scale somebody has set to 2.
      const second = yield* makeFakeRuntime
      const asked = yield* Deferred.make<void>()
      const allowed = yield* Deferred.make<void>()
      let value: string | null = "2"
      second.namesMissing = true
      second.initialScale = {
        get: Effect.sync(() => value),
        set: (wanted) =>
          Deferred.succeed(asked, undefined).pipe(
            Effect.zipRight(Deferred.await(allowed)),
            Effect.zipRight(
              Effect.sync(() => {
                value = wanted
                second.calls.push(`initial scale ${wanted}`)
              })
            )
          )
      }
      yield* Effect.gen(function* () {
        yield* Deferred.await(asked)
        expect((yield* listServices(org, {})).map(({ name, status }) => [name, status.state])).toEqual([
          ["asleep", "restoring"],
          ["busy", "restoring"],
          ["wanted", "restoring"]
        ])
        const told: Array<RestoreProgress> = []
        const followed = yield* Effect.fork(followRestore((progress) => void told.push(progress), { everyMs: 20 }))
        yield* Effect.iterate(told.length, {
          while: (length) => length === 0,
          body: () =>
            Effect.delay(
              Effect.sync(() => told.length),
              "20 millis"
            )
        })
        expect(told[0]).toEqual({ stages: 1, services: 3 })
        expect(yield* followRestore(() => undefined, { everyMs: 20, stillMs: 100 })).toEqual({
          stages: 1,
          left: { stages: 1, services: 3 }
        })
        yield* Deferred.succeed(allowed, undefined)
        expect(yield* Fiber.join(followed)).toEqual({ stages: 1, left: { stages: 0, services: 0 } })
        expect(told.at(-1)).toEqual({ stages: 0, services: 0 })
        const wanted = ["apply Service/asleep", "apply Service/busy", "apply Service/wanted"]
        const isThere = () => wanted.every((call) => second.calls.includes(call))
        yield* Effect.iterate(isThere(), {
          while: (is) => !is,
          body: () => Effect.delay(Effect.sync(isThere), "20 millis")
        })
        // What is there already is applied again in each pass, which changes nothing.
        const order = [...new Set(second.calls.filter((call) => /^initial|^apply Service\//.test(call)))]
        expect(order.slice(0, 3)).toEqual(["initial scale 0", "apply Service/asleep", "initial scale 2"])
        expect(new Set(order.slice(3))).toEqual(new Set(["apply Service/busy", "apply Service/wanted"]))
      }).pipe(Effect.provide(Layer.provideMerge(testServer(second.layer, dataDir), database)))
    })
)
