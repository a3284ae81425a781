import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer } from "effect"
import { layerTest as database } from "../../../../test/database/layerTest.ts"
import { testKey } from "../../../../test/local/testRuntime.ts"
import { type LocalObject, LocalObjects } from "./LocalObjects.ts"
import { layer } from "./LocalObjectsSql.ts"

const object = (name: string, more: Partial<LocalObject> = {}): LocalObject => ({
  organizationId: testKey().organizationId,
  namespace: "local",
  kind: "Service",
  name,
  generation: 1,
  manifest: {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, labels: { a: "b" } },
    spec: { any: [1, { x: null }] }
  },
  status: { revisions: ["ä"] },
  ...more
})

describe("LocalObjectsSql", () => {
  it("stores, changes and removes objects in bulk, separately for each organization", async () => {
    const other = testKey("other").organizationId
    await Effect.gen(function* () {
      const objects = yield* LocalObjects
      const many = Array.from({ length: 1203 }, (_, i) => object(`s${String(i).padStart(4, "0")}`))
      yield* objects.put(many)
      expect(yield* objects.all).toStrictEqual(many)

      yield* objects.put([
        object("s0000"),
        object("s0000", { generation: 2, status: null }),
        object("s0000", { organizationId: other })
      ])
      const all = yield* objects.all
      expect(all.length).toBe(1204)
      expect(all[0]).toMatchObject({ generation: 2, status: {} })
      expect(all.at(-1)).toStrictEqual(object("s0000", { organizationId: other }))

      yield* objects.remove([...many, object("never")])
      expect(yield* objects.all).toStrictEqual([object("s0000", { organizationId: other })])
      yield* objects.put([])
      yield* objects.remove([])
    }).pipe(Effect.provide(layer.pipe(Layer.provideMerge(database))), Effect.runPromise)
  })

  it("dies of faults that waiting doesn't fix, which are our own mistakes", async () => {
    await Effect.gen(function* () {
      const objects = yield* LocalObjects
      // It doesn't fit the database's integer.
      const exit = yield* Effect.exit(objects.put([object("s", { generation: 2 ** 40 })]))
      expect(Exit.isFailure(exit) && Cause.isDie(exit.cause)).toBe(true)
    }).pipe(Effect.provide(layer.pipe(Layer.provideMerge(database))), Effect.runPromise)
  })
})
