import { SqlClient } from "@effect/sql/SqlClient"
import { expect } from "@effect/vitest"
import { productionStage, ServiceName } from "@maxcloud/config-schema"
import { eventKinds, isEventType } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, Queue, Schedule, Schema, Stream } from "effect"
import { makeFakeRuntime } from "../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, ownServer, shop } from "../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../test/runtimeTests.ts"
import { Shards } from "../../base/replicas/Shards.ts"
import type { Organization } from "../../base/words/Organization.ts"
import type { Happening } from "../../runtimes/port/Happening.ts"
import { namespaceKeyOf } from "../../runtimes/port/Platform.ts"
import { type Drift, Runtime, RuntimeError, type ServiceKey } from "../../runtimes/port/Runtime.ts"
import * as EventNumbering from "../../tenancy/events/EventNumbering.ts"
import { recordEvents } from "../../tenancy/events/recordEvents.ts"
import { DriftLog } from "../drift/DriftLog.ts"
import { makeAnnouncing } from "./announcing.ts"
import type { GatherBounds } from "./gathering.ts"
import { recordDrift } from "./recordDrift.ts"
import * as ServiceEvents from "./ServiceEvents.ts"

const fake = await Effect.runPromise(makeFakeRuntime)
const { test } = runtimeTests(ownServer(fake.layer))

const bounds: GatherBounds = { firstMs: 50, spacingMs: 100, keptMs: 60_000, most: 100 }

/** What a server's runtime says, and whether the server owns the organization. */
const makeWorld = Effect.gen(function* () {
  const organization = yield* newOrganization
  yield* finished(organization, yield* deploy(organization, [{ name: "web" }]))
  const key: ServiceKey = {
    ...namespaceKeyOf({ organization, app: shop, stage: productionStage }, { namespacePrefix: "" }),
    service: ServiceName.make("web")
  }
  const announced: Array<string> = []
  const world = { organization, key, instances: 0, owner: 0, announced, isAway: false, refusals: 0, attempts: 0 }
  /** A server: it observes, and tells once `owner` is its number. */
  const server = (number: number) =>
    Effect.gen(function* () {
      const happened = yield* Queue.unbounded<Happening>()
      const changed = yield* Queue.unbounded<ServiceKey>()
      const real = yield* Runtime
      const runtime: Runtime["Type"] = {
        ...real,
        announce: (asked, notice) =>
          Effect.suspend(() => {
            world.attempts++
            if (world.isAway) return new RuntimeError({ reason: "unavailable", message: "it is away" })
            world.announced.push(`${asked.service} ${notice.severity} ${notice.reason}: ${notice.message}`)
            return Effect.void
          }),
        happenings: Stream.fromQueue(happened),
        changes: Stream.fromQueue(changed),
        revisions: (asked) =>
          Effect.map(real.revisions(asked), (found) => found.map((one) => ({ ...one, instances: world.instances }))),
        status: (asked) =>
          Effect.suspend(() => {
            world.attempts++
            if (world.isAway) return new RuntimeError({ reason: "unavailable", message: "it is away" })
            return Effect.map(
              real.status(asked),
              Option.map((status) => ({ ...status, instances: world.instances }))
            )
          })
      }
      const owns = (id: string) => {
        const isOurs = id === organization.id && world.owner === number
        if (!isOurs) world.refusals++
        return isOurs
      }
      yield* Layer.build(
        ServiceEvents.layer({ bounds, lookMs: 10, announceMs: 20 }).pipe(
          Layer.provide(Layer.succeed(Runtime, runtime)),
          Layer.provide(Layer.succeed(Shards, { owns, owned: () => [], changes: Stream.empty }))
        )
      )
      return {
        happens: (...all: ReadonlyArray<Happening>) => Queue.offerAll(happened, all),
        scales: Queue.offer(changed, key)
      }
    })
  return { world, server }
})

const decodeEvents = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      type: Schema.String,
      service: Schema.NullOr(Schema.String),
      data: Schema.Record({ key: Schema.String, value: Schema.Unknown })
    })
  )
)

const eventsOf = (organization: Organization, ...types: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = decodeEvents(
      yield* sql`
        select type, service, data from events where organization_id = ${organization.id} and ${sql.in("type", types)}
        order by at, id`
    )
    for (const { data, service, type } of rows) {
      expect(isEventType(type) && eventKinds[type].isData(data), JSON.stringify(data)).toBe(true)
      expect(service).toBe(data["name"])
    }
    return rows
  })

const until = <A, E, R>(read: Effect.Effect<A, E, R>, reached: (value: A) => boolean) =>
  read.pipe(
    Effect.filterOrFail(reached, (value) => new Error(`not reached: ${JSON.stringify(value)}`)),
    Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 500 })
  )

const isAllAnnounced = ({ id }: Organization) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const open = yield* sql`
      select 1 from events e left join event_heads h using (organization_id)
      where e.organization_id = ${id} and (e.sequence is null or e.sequence > h.announced) limit 1`
    return open.length === 0
  })

const restarted = (key: ServiceKey, number: number): Happening => ({
  type: "instance.restarted",
  key,
  id: `pod/restart/${number}`,
  at: new Date(number),
  facts: { revision: "web-00001", instance: "pod", reason: "Failed", exitCode: number }
})

test(
  "what two servers see of an instance is one event, also if they see it again after a restart",
  Effect.gen(function* () {
    const { server, world } = yield* makeWorld
    const { key, organization } = world
    world.owner = 1
    const crashes = [1, 2, 3].map((number) => restarted(key, number))
    yield* Effect.scoped(
      Effect.gen(function* () {
        const [first, second] = [yield* server(1), yield* server(2)]
        yield* first.happens(...crashes)
        yield* second.happens(...crashes)
        const [told] = yield* until(eventsOf(organization, "instance.restarted"), (all) => all.length > 0)
        expect(told?.data).toMatchObject({ name: "web", exitCode: 3, count: 3 })
        // The first one dies, and the second has kept what it saw.
        world.owner = 2
        yield* second.happens(restarted(key, 4))
        yield* until(eventsOf(organization, "instance.restarted"), (all) => all.length > 1)
      })
    )
    const after = yield* Effect.flatMap(server(2), ({ happens }) =>
      Effect.gen(function* () {
        yield* happens(...crashes, restarted(key, 4), restarted(key, 5))
        return yield* until(eventsOf(organization, "instance.restarted"), (all) => all.length > 2)
      })
    ).pipe(Effect.scoped)
    expect(after.map(({ data }) => [data["count"], data["exitCode"]])).toEqual([
      [3, 3],
      [1, 4],
      [1, 5]
    ])
  })
)

test(
  "a server that takes over tells what its predecessor didn't",
  Effect.gen(function* () {
    const { server, world } = yield* makeWorld
    yield* Effect.scoped(
      Effect.gen(function* () {
        const second = yield* server(2)
        yield* second.happens(restarted(world.key, 1))
        // Nobody announces here, so only a report that is due asks for the owner.
        yield* until(
          Effect.sync(() => world.refusals),
          (count) => count > 1
        )
        expect(yield* eventsOf(world.organization, "instance.restarted")).toEqual([])
        world.owner = 2
        const [told] = yield* until(eventsOf(world.organization, "instance.restarted"), (all) => all.length > 0)
        expect(told?.data["count"]).toBe(1)
      })
    )
  })
)

test(
  "happenings of a service that isn't here are dropped",
  Effect.gen(function* () {
    const { server, world } = yield* makeWorld
    world.owner = 1
    yield* Effect.scoped(
      Effect.gen(function* () {
        const { happens } = yield* server(1)
        yield* happens(restarted({ ...world.key, service: ServiceName.make("strange") }, 1), restarted(world.key, 2))
        const told = yield* until(eventsOf(world.organization, "instance.restarted"), (all) => all.length > 0)
        expect(told.map(({ data }) => data["name"])).toEqual(["web"])
      })
    )
  })
)

test(
  "a service that scales is told from and to, once by two servers, and when it has as many as it may",
  Effect.gen(function* () {
    const { server, world } = yield* makeWorld
    const { organization } = world
    world.owner = 1
    const scaled = eventsOf(organization, "service.scaled", "service.throttled")
    const told = (count: number) => until(scaled, (all) => all.length >= count)
    yield* Effect.scoped(
      Effect.gen(function* () {
        const [first, second] = [yield* server(1), yield* server(2)]
        const change = (instances: number) =>
          Effect.gen(function* () {
            world.instances = instances
            yield* first.scales
            yield* second.scales
          })
        for (const instances of [1, 2, 3]) yield* change(instances)
        yield* told(1)
        // The other server owns it now, and knows what was told.
        world.owner = 2
        yield* change(10)
        yield* told(3)
        yield* change(0)
        yield* told(4)
        yield* change(10)
        const all = yield* told(5)
        expect(
          all.map(({ data, type }) => [type, data["from"] ?? data["reason"], data["to"] ?? data["limit"]])
        ).toEqual([
          ["service.scaled", 0, 3],
          ["service.scaled", 3, 10],
          ["service.throttled", "MaxInstances", 10],
          ["service.scaled", 10, 0],
          // As many as it may again, within ten minutes.
          ["service.scaled", 0, 10]
        ])
      })
    )
  })
)

test(
  "reports after an outage that a service has scaled during it, though the runtime doesn't report it again",
  Effect.gen(function* () {
    const { server, world } = yield* makeWorld
    world.owner = 1
    world.isAway = true
    world.instances = 2
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* (yield* server(1)).scales
        yield* until(
          Effect.sync(() => world.attempts),
          (count) => count > 0
        )
        world.isAway = false
        const [told] = yield* until(eventsOf(world.organization, "service.scaled"), (all) => all.length > 0)
        expect(told?.data).toMatchObject({ from: 0, to: 2 })
      })
    )
  })
)

test(
  "reports drift once when it is found and once when it is healed, for each service",
  Effect.gen(function* () {
    const { server, world } = yield* makeWorld
    const { key, organization } = world
    const log = yield* DriftLog
    const drift = (name: string, rest: Partial<Drift> = {}): Drift => ({
      key,
      object: { apiVersion: "serving.knative.dev/v1", kind: "Service", name },
      change: "edited",
      manager: "x".repeat(500),
      fields: ["spec"],
      at: new Date(Date.now() - 10_000),
      ...rest
    })
    yield* log.record(drift("web"))
    yield* log.record(drift("web", { fields: ["spec.template"] }))
    yield* log.record(
      drift("web", { object: { apiVersion: "v1", kind: "Secret", name: "web" }, change: "deleted", manager: null })
    )
    const read = eventsOf(organization, "drift.found", "drift.healed")
    /** A pass of the server itself may heal them one after another. */
    const sums = Effect.map(read, (all) => {
      const counts = new Map<string, number>()
      for (const { data, type } of all) {
        const what = `${type} ${data["name"]} ${data["objectKind"]} ${data["change"]}`
        counts.set(what, (counts.get(what) ?? 0) + Number(data["count"]))
      }
      return Object.fromEntries(counts)
    })
    const total = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((sum, one) => sum + one, 0)
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* server(1)
        yield* server(2)
        yield* until(sums, (counts) => total(counts) >= 3)
        yield* log.healed(organization.id, shop, productionStage, new Date())
        yield* until(sums, (counts) => total(counts) >= 6)
      })
    )
    yield* recordDrift
    expect(yield* sums).toEqual({
      "drift.found web Service edited": 2,
      "drift.found null Secret deleted": 1,
      "drift.healed web Service edited": 2,
      "drift.healed null Secret deleted": 1
    })
    expect(JSON.stringify(yield* read).length).toBeLessThan(2_000)
  })
)

test(
  "what became of a deployment is announced on its services, once, and after the runtime is back",
  Effect.gen(function* () {
    const { server, world } = yield* makeWorld
    const { announced, organization } = world
    yield* Layer.build(EventNumbering.layer({ lookMs: 20 }))
    world.owner = 1
    world.isAway = true
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* server(1)
        yield* server(2)
        yield* finished(
          organization,
          yield* deploy(organization, [
            { name: "web" },
            { name: "api", image: "broken:1", env: { A: "no tenant text" } }
          ])
        )
        yield* until(
          Effect.sync(() => world.attempts),
          (count) => count > 1
        )
        expect(announced).toEqual([])
        world.isAway = false
        yield* until(
          Effect.sync(() => announced),
          (all) => all.length >= 2
        )
        yield* recordEvents(organization.id, {
          type: "app.suspended",
          subject: "apps/shop/stages/production",
          data: { app: shop, stage: productionStage, until: "2026-11-24T13:00:00.000Z" }
        })
        yield* until(
          Effect.sync(() => announced),
          (all) => all.length >= 4
        )
        yield* until(isAllAnnounced(organization), (is) => is)
      })
    )
    // A server that starts later.
    yield* makeAnnouncing((id) => id === organization.id).pipe(
      Effect.provideService(Runtime, {
        ...(yield* Runtime),
        announce: (_, { reason }) => Effect.sync(() => void announced.push(`again: ${reason}`))
      })
    )
    expect(announced).toEqual([
      "web Normal DeploymentSucceeded: Deployment 1 succeeded.",
      "api Warning DeploymentFailed: Deployment 2 failed: ExitCode1. `maxcloud explain ExitCode1` says how to fix it.",
      "api Normal Suspended: Somebody suspended the app: max-cloud doesn't restore its objects until 2026-11-24T13:00:00.000Z.",
      "web Normal Suspended: Somebody suspended the app: max-cloud doesn't restore its objects until 2026-11-24T13:00:00.000Z."
    ])
  }).pipe(Effect.scoped)
)
