import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { AppName, StageName } from "@maxcloud/config-schema"
import { Effect, Fiber, Layer, TestClock } from "effect"
import { layerTest } from "../../../test/database/layerTest.ts"
import { newOrganization } from "../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../test/runtimeTests.ts"
import { shardCount } from "../../base/replicas/shardOf.ts"
import { queueState } from "../../control/deployments/queue/oldestWaiting.ts"
import { makeWorkQueue } from "../../control/deployments/queue/WorkQueue.ts"
import { layer as organizations } from "../../tenancy/organizations/Organizations.ts"
import { queueCheck, queueCheckOf } from "./queueCheck.ts"

const { test } = runtimeTests(Layer.provideMerge(organizations, layerTest))
const everyShard = Array.from({ length: shardCount }, (_, shard) => shard)

describe("the readiness of the queue", () => {
  test(
    "fails if due work waits for minutes, but not for work that is in progress or planned for later",
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql`delete from work_items`
      const { id: organizationId } = yield* newOrganization
      const keyOf = (app: string) => ({ organizationId, app: AppName.make(app), stage: StageName.make("production") })
      const queue = yield* makeWorkQueue()
      expect(yield* queueState).toStrictEqual({ depth: 0, oldestSeconds: 0 })

      yield* queue.add([keyOf("taken")])
      yield* queue.claim(1, everyShard)
      yield* queue.add([keyOf("later")], 60_000)
      expect(yield* queueState).toStrictEqual({ depth: 2, oldestSeconds: 0 })
      expect(yield* queueCheck).toMatchObject({ name: "queue", ok: true })

      yield* queue.add([keyOf("due")])
      yield* sql`update work_items set available_at = now() - interval '3 minutes' where key = 'due/production'`
      expect((yield* queueState).oldestSeconds).toBeGreaterThanOrEqual(180)
      const stuck = yield* queueCheck
      expect(stuck.ok).toBe(false)
      expect(stuck.message).toMatch(/due for 18\d s, and no server takes it/)

      // A dead server's lease: its work waits from the lease's end.
      yield* sql`delete from work_items where key = 'due/production'`
      yield* sql`update work_items set lease_until = now() - interval '5 minutes' where key = 'taken/production'`
      expect((yield* queueCheck).message).toMatch(/due for 30\d s/)
    })
  )

  it.effect("says so if the queue can't be read, or not in time", () =>
    Effect.gen(function* () {
      const refused = yield* queueCheckOf(Effect.fail("no"))
      expect(refused).toMatchObject({ name: "queue", ok: false })
      expect(refused.message).toMatch(/Couldn't read the queue/)
      const hanging = yield* Effect.fork(queueCheckOf(Effect.never))
      yield* TestClock.adjust("5 seconds")
      expect((yield* Fiber.join(hanging)).message).toBe(refused.message)
    })
  )
})
