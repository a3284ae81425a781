import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Runtime } from "effect"
import { layerTest as database } from "../../../../test/database/layerTest.ts"
import { testKey } from "../../../../test/local/testRuntime.ts"
import { type LocalObject, LocalObjects } from "../objects/LocalObjects.ts"
import { layer } from "../objects/LocalObjectsSql.ts"
import { makeObjectStore } from "./ObjectStore.ts"

const object = (name: string, more: Partial<LocalObject> = {}): LocalObject => ({
  organizationId: testKey().organizationId,
  namespace: "local",
  kind: "Service",
  name,
  generation: 1,
  manifest: { apiVersion: "v1", kind: "Service", metadata: { name } },
  status: {},
  ...more
})

describe("ObjectStore", () => {
  it("stores program output with NUL bytes, and the other objects next to one that can't be stored", () =>
    Effect.gen(function* () {
      const objects = yield* LocalObjects
      const runFork = Runtime.runFork(yield* Effect.runtime())
      const fibers: Array<Fiber.RuntimeFiber<void>> = []
      const store = makeObjectStore(objects, (one) => fibers.push(runFork(one)))
      store.later({ stored: () => object("a") })
      // Its generation doesn't fit the database's integer.
      store.later({ stored: () => object("b", { generation: 2 ** 40 }) })
      store.later({ stored: () => object("c", { status: { logTail: ["a\0b", "\ud800"] } }) })
      yield* Fiber.joinAll(fibers)
      expect((yield* objects.all).map((each) => [each.name, each.status])).toStrictEqual([
        ["a", {}],
        ["c", { logTail: ["a\ufffdb", "\ufffd"] }]
      ])
      yield* store.close
    }).pipe(Effect.provide(layer.pipe(Layer.provideMerge(database))), Effect.runPromise))
})
