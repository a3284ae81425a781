import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect } from "@effect/vitest"
import { AppName, OrganizationName, ServiceName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, Queue, type Scope, Stream } from "effect"
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
  yield* sql`delete from restore_window`
  yield* sql`insert into restore_window default values`
  yield* sql`update deployments set state = 'failed', finished_at = clock_timestamp()`
  const states = new Map<string, ServiceStatus["state"]>()
  /** Apps that were woken. */
  const woken: Array<string> = []
  const changes = yield* Queue.unbounded<ServiceKey>()
  const values: Array<string | null> = ["1"]
  const fake: {
    readonly now: () => string | null
    readonly values: Array<string | null>
    readonly states: Map<string, ServiceStatus["state"]>
    /** The next requests to set the value fail like this. The value is set all the same if the answer was lost. */
    fails: RuntimeError | undefined
  } = { fails: undefined, now: () => values.at(-1) ?? null, values, states }
  const runtime = Layer.mock(Runtime, {
    name: "fake",
    inPlace: false,
    repairs: true,
    limitations: () => [],
    announce: undefined,
    isLogCursor: () => false,
    changes: Stream.fromQueue(changes),
    initialScale: {
      get: Effect.sync(fake.now),
      set: (value) =>
        Effect.suspend(() => {
          if (fake.fails?.reason !== "refused") values.push(value)
          return fake.fails ?? Effect.void
        })
    },
    status: ({ service }) =>
      Effect.sync(() => Option.map(Option.fromNullable(states.get(service)), (state) => statusOf(service, state)))
  })
  const acme = keyOf("web").organizationId
  yield* sql`insert into organizations (id, name) values (${acme}, 'acme') on conflict do nothing`
  let number = 0
  /** A deployment in progress of an app of its own. */
  const deployment = Effect.suspend(() => {
    const [id, app] = [`dep_${crypto.randomUUID()}`, `app-${crypto.randomUUID()}`]
    return sql`
      with stage as (insert into app_stages (organization_id, app, stage) values (${acme}, ${app}, 'production'))
      insert into deployments (id, organization_id, app, stage, number, state, reason, message, spec, secret_versions, warnings)
      values (${id}, ${acme}, ${app}, 'production', ${++number}, 'running', '', '', '{}', '{}', '[]')`.pipe(
      Effect.as(id)
    )
  })
  const finish = (id: string) =>
    sql`update deployments set state = 'failed', finished_at = clock_timestamp() where id = ${id}`
  const server = (options: RestoreOptions = limits) =>
    Effect.provide(
      makeRestoreWindow(
        (stages) => Effect.sync(() => void woken.push(...stages.map(({ app }) => String(app)))),
        options
      ),
      runtime
    )
  const put = (value: string) => Effect.sync(() => void values.push(value))
  const row = Effect.map(
    sql<{ is_open: boolean; scale_before: string | null }>`select is_open, scale_before from restore_window`,
    ([found]) => found
  )
  return { acme, changes, deployment, fake, finish, put, row, server, sql, woken }
})

/** Waits for something that happens without an event. */
const until = (wanted: () => boolean) =>
  Effect.iterate(wanted(), { while: (is) => !is, body: () => Effect.delay(Effect.sync(wanted), "10 millis") })

describe("a window in which services come back at zero", () => {
  test(
    "records the former value, and ends when its services are at zero; deployments wait for its end",
    Effect.gen(function* () {
      const { acme, deployment, fake, row, server } = yield* cluster
      const [one, two] = [yield* server(), yield* server()]
      expect(yield* one.enter).toBe("open")
      expect(fake.values).toEqual(["1", "0"])
      expect(yield* row).toEqual({ is_open: true, scale_before: "1" })
      expect(yield* one.enter).toBe("open")
      // Only one server has it.
      expect(yield* two.enter).toBe("wait")
      fake.states.set("web", "pending")
      yield* one.join([keyOf("web")])
      const id = yield* deployment
      const refused = Effect.repeat(Effect.delay(two.admit(acme, id), "20 millis"), { until: (may) => may })
      // It is over after 400 ms, but the service may still start an instance.
      expect(yield* Effect.timeoutOption(refused, "1 second")).toEqual(Option.none())
      expect(fake.now()).toBe("0")
      fake.states.set("web", "idle")
      yield* refused
      expect(fake.values).toEqual(["1", "0", "1"])
      expect(yield* row).toEqual({ is_open: false, scale_before: null })
    })
  )

  test(
    "opens only when no admitted deployment is in progress, whichever server has it",
    Effect.gen(function* () {
      const { acme, deployment, fake, finish, server } = yield* cluster
      const [one, two] = [yield* server(), yield* server()]
      const id = yield* deployment
      expect(yield* two.admit(acme, id)).toBe(true)
      yield* Effect.sleep("600 millis")
      // Longer than `quietMs`: its image may take minutes to load.
      expect(yield* one.enter).toBe("wait")
      // It stays admitted, in each of its passes.
      expect(yield* two.admit(acme, id)).toBe(true)
      yield* finish(id)
      yield* Effect.repeat(Effect.delay(one.enter, "50 millis"), { until: (entry) => entry === "open" })
      expect(fake.now()).toBe("0")
      expect(yield* two.admit(acme, yield* deployment)).toBe(false)
    })
  )

  test(
    "goes before new deployments when it has waited for a while, and doesn't wait for a deployment forever",
    Effect.gen(function* () {
      const { acme, deployment, fake, server } = yield* cluster
      const { admit, enter } = yield* server({ ...limits, giveUpMs: 1_500 })
      expect(yield* admit(acme, yield* deployment)).toBe(true)
      expect(yield* enter).toBe("wait")
      expect(yield* admit(acme, yield* deployment)).toBe(true)
      yield* Effect.sleep("1100 millis")
      expect(yield* admit(acme, yield* deployment)).toBe(false)
      const entry = yield* Effect.repeat(Effect.delay(enter, "50 millis"), { until: (entry) => entry !== "wait" })
      // So its services start instances, a few at a time.
      expect(entry).toBe("none")
      expect(fake.values).toEqual(["1"])
    })
  )

  test(
    "whose change of the value may have happened ends with its lease, with the former value",
    Effect.gen(function* () {
      const { fake, row, server, sql } = yield* cluster
      const { enter } = yield* server()
      fake.fails = new RuntimeError({ reason: "unavailable", message: "the answer was lost" })
      // It isn't a missing right.
      expect(yield* enter).toBe("wait")
      expect(fake.now()).toBe("0")
      expect(yield* row).toEqual({ is_open: true, scale_before: "1" })
      fake.fails = undefined
      yield* sql`update restore_window set open_until = clock_timestamp() - interval '1 second'`
      yield* server()
      yield* until(() => fake.now() === "1")
    })
  )

  test(
    "puts the value back when its server stops",
    Effect.gen(function* () {
      const { fake, row, server } = yield* cluster
      const entry = yield* Effect.scoped(
        Effect.flatMap(server({ ...limits, openMs: 60_000, idleMs: 60_000 }), (one) => one.enter)
      )
      expect(entry).toBe("open")
      expect(fake.values).toEqual(["1", "0", "1"])
      expect(yield* row).toEqual({ is_open: false, scale_before: null })
    })
  )

  test(
    "of a server that has slept for longer than its lease doesn't end the next one",
    Effect.gen(function* () {
      const { fake, row, server, sql } = yield* cluster
      const { enter } = yield* server()
      expect(yield* enter).toBe("open")
      yield* sql`update restore_window set token = gen_random_uuid(), scale_before = '7'`
      yield* Effect.sleep("1 second")
      expect(fake.now()).toBe("0")
      expect(yield* row).toEqual({ is_open: true, scale_before: "7" })
    })
  )

  test(
    "is closed after a crash by the next server, with the former value",
    Effect.gen(function* () {
      const { fake, put, row, server, sql } = yield* cluster
      yield* put("0")
      yield* sql`update restore_window set is_open = true, token = gen_random_uuid(), scale_known = true, scale_before = '3', open_until = clock_timestamp() - interval '1 second'`
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
      fake.fails = new RuntimeError({ reason: "refused", message: "no right" })
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

  test(
    "wakes apps that wait for it as it opens, and apps that wait for room as a service has started",
    Effect.gen(function* () {
      const { acme, changes, fake, server, woken } = yield* cluster
      const { leave, enter, start, wait } = yield* server()
      const stage = (app: string) => ({
        organizationId: acme,
        app: AppName.make(app),
        stage: StageName.make("production")
      })
      yield* wait(stage("asleep"), true)
      yield* wait(stage("busy"), false)
      yield* wait(stage("gone"), true)
      yield* leave(stage("gone"))
      expect(yield* enter).toBe("open")
      expect(woken).toEqual(["asleep"])
      yield* leave(stage("asleep"))
      // No service starts with an instance while it is open. Its end makes room.
      yield* until(() => fake.now() === "1" && woken.length === 2)
      expect(woken).toEqual(["asleep", "busy"])
      yield* wait(stage("busy"), false)
      fake.states.set("a", "pending").set("b", "pending")
      expect(yield* start(["a", "b"].map(keyOf))).toHaveLength(2)
      yield* Queue.offer(changes, keyOf("a"))
      yield* Queue.offer(changes, keyOf("other"))
      fake.states.set("a", "ready")
      yield* Queue.offer(changes, keyOf("a"))
      yield* until(() => woken.length > 2)
      expect(woken).toEqual(["asleep", "busy", "busy"])
    })
  )

  test(
    "isn't asked for more and more often: an app that waits asks again after a growing pause",
    Effect.gen(function* () {
      const { acme, server } = yield* cluster
      const { leave, wait } = yield* server()
      const stage = { organizationId: acme, app: AppName.make("shop"), stage: StageName.make("production") }
      const pauses = yield* Effect.replicateEffect(wait(stage, false), 8)
      expect(pauses[0]).toBeLessThan(700)
      expect(Math.max(...pauses)).toBeLessThanOrEqual(5_000)
      expect(Math.min(...pauses.slice(4))).toBeGreaterThanOrEqual(3_000)
      yield* leave(stage)
      expect(yield* wait(stage, false)).toBeLessThan(700)
    })
  )
})
