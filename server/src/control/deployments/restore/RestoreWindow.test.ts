import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect } from "@effect/vitest"
import { AppName, OrganizationName, ServiceName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Fiber, Layer, Option, type Scope } from "effect"
import { layerTest } from "../../../../test/database/layerTest.ts"
import { runtimeTests } from "../../../../test/runtimeTests.ts"
import { Runtime, RuntimeError, type ServiceKey, type ServiceStatus } from "../../../runtimes/port/Runtime.ts"
import { makeRestoreWindow, type RestoreOptions } from "./RestoreWindow.ts"

const { test: testIn } = runtimeTests(layerTest)
const test = (name: string, effect: Effect.Effect<unknown, unknown, SqlClient | Scope.Scope>) =>
  testIn(name, Effect.scoped(effect))

const keyOf = (service: string): ServiceKey => ({
  organizationId: OrganizationId.make(`org_${"0".repeat(32)}`),
  organization: OrganizationName.make("acme"),
  app: AppName.make("shop"),
  stage: StageName.make("production"),
  namespace: "mc-shop--acme",
  service: ServiceName.make(service)
})

const statusOf = (service: ServiceName, state: ServiceStatus["state"]): ServiceStatus => ({
  service,
  generation: 1,
  observedGeneration: 1,
  state,
  conditions: [],
  latestCreatedRevision: null,
  latestReadyRevision: null,
  traffic: [],
  instances: 0,
  url: null,
  logTail: [],
  diagnosis: null,
  terminal: false
})

const limits: RestoreOptions = {
  openMs: 400,
  idleMs: 100,
  settleMs: 5_000,
  quietMs: 300,
  patienceMs: 1_000,
  starting: 2
}

/** A cluster that only has services' states and an initial scale, and servers on one database. */
const cluster = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`update restore_window set is_open = false, open_until = '-infinity', deployed_at = '-infinity', wanted_since = '-infinity'`
  const states = new Map<string, ServiceStatus["state"]>()
  const values: Array<string | null> = ["1"]
  const fake = { refuses: false, now: () => values.at(-1) ?? null, values, states }
  const runtime = Layer.mock(Runtime, {
    name: "fake",
    inPlace: false,
    limitations: () => [],
    isLogCursor: () => false,
    initialScale: {
      get: Effect.sync(fake.now),
      set: (value) =>
        Effect.suspend(() => {
          if (fake.refuses) return new RuntimeError({ reason: "refused", message: "no right" })
          values.push(value)
          return Effect.void
        })
    },
    status: ({ service }) =>
      Effect.sync(() => Option.map(Option.fromNullable(states.get(service)), (state) => statusOf(service, state)))
  })
  const server = (options: RestoreOptions = limits) => Effect.provide(makeRestoreWindow(options), runtime)
  const put = (value: string) => Effect.sync(() => void values.push(value))
  const row = Effect.map(
    sql<{ is_open: boolean; scale_before: string | null }>`select is_open, scale_before from restore_window`,
    ([found]) => found
  )
  return { fake, put, row, server, sql }
})

/** Waits for something that happens without an event. */
const until = (wanted: () => boolean) =>
  Effect.iterate(wanted(), { while: (is) => !is, body: () => Effect.delay(Effect.sync(wanted), "10 millis") })

describe("a window in which services come back at zero", () => {
  test(
    "records the former value, and ends when its services are at zero; deployments wait for its end",
    Effect.gen(function* () {
      const { fake, row, server } = yield* cluster
      const [one, two] = [yield* server(), yield* server()]
      expect(yield* one.enter).toBe("open")
      expect(fake.values).toEqual(["1", "0"])
      expect(yield* row).toEqual({ is_open: true, scale_before: "1" })
      expect(yield* one.enter).toBe("open")
      // Only one server has it.
      expect(yield* two.enter).toBe("wait")
      fake.states.set("web", "pending")
      yield* one.join([keyOf("web")])
      const deployed = yield* Effect.fork(two.beforeDeployment)
      yield* Effect.sleep(1_000)
      // It is over, but the service may still start an instance.
      expect(fake.now()).toBe("0")
      expect(yield* Fiber.poll(deployed)).toEqual(Option.none())
      fake.states.set("web", "idle")
      yield* Fiber.join(deployed)
      expect(fake.values).toEqual(["1", "0", "1"])
      expect(yield* row).toEqual({ is_open: false, scale_before: null })
    })
  )

  test(
    "opens neither right after a deployment, nor never because of many",
    Effect.gen(function* () {
      const { fake, server } = yield* cluster
      const { beforeDeployment, enter } = yield* server()
      yield* beforeDeployment
      expect(yield* enter).toBe("wait")
      const deploying = yield* Effect.fork(Effect.forever(Effect.delay(beforeDeployment, "50 millis")))
      yield* Effect.repeat(Effect.delay(enter, "50 millis"), { until: (entry) => entry === "open" })
      expect(fake.now()).toBe("0")
      yield* Fiber.interrupt(deploying)
      yield* until(() => fake.now() === "1")
    })
  )

  test(
    "is closed after a crash by the next server, with the former value",
    Effect.gen(function* () {
      const { fake, put, row, server, sql } = yield* cluster
      yield* put("0")
      yield* sql`update restore_window set is_open = true, scale_before = '3', open_until = clock_timestamp() - interval '1 second'`
      yield* server()
      yield* until(() => fake.now() === "3")
      yield* Effect.repeat(row, { until: (found) => found?.is_open === false })
    })
  )

  test(
    "leaves a value alone that somebody else has set meanwhile",
    Effect.gen(function* () {
      const { fake, put, row, server } = yield* cluster
      const { enter } = yield* server()
      expect(yield* enter).toBe("open")
      yield* put("2")
      yield* Effect.repeat(row, { until: (found) => found?.is_open === false })
      expect(fake.now()).toBe("2")
    })
  )

  test(
    "doesn't exist without the right to set the value: then services start a few at a time",
    Effect.gen(function* () {
      const { fake, row, server } = yield* cluster
      const { enter, start } = yield* server()
      fake.refuses = true
      expect(yield* enter).toBe("none")
      expect(yield* row).toMatchObject({ is_open: false })
      const keys = ["a", "b", "c", "d"].map(keyOf)
      const names = (some: ReadonlyArray<ServiceKey>) => some.map((key) => String(key.service))
      expect(names(yield* start(keys))).toEqual(["a", "b"])
      fake.states.set("a", "pending").set("b", "pending")
      expect(yield* start(keys.slice(2))).toEqual([])
      fake.states.set("a", "ready")
      expect(names(yield* start(keys.slice(2)))).toEqual(["c"])
    })
  )
})
