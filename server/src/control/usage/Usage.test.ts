import { SqlClient } from "@effect/sql/SqlClient"
import { layer as describeOn, expect } from "@effect/vitest"
import { productionStage, ServiceName } from "@maxcloud/config-schema"
import { Effect, Layer, Queue, Schedule, Stream } from "effect"
import { layerTest } from "../../../test/database/layerTest.ts"
import { newOrganization, shop } from "../../../test/deployments/testServer.ts"
import type { Organization } from "../../base/words/Organization.ts"
import { type InstanceRecord, Runtime } from "../../runtimes/port/Runtime.ts"
import { layer as organizations } from "../../tenancy/organizations/Organizations.ts"
import { layer } from "./PostgresUsage.ts"
import { Usage } from "./Usage.ts"
import * as UsageRecorder from "./UsageRecorder.ts"

const live = Layer.merge(layer, organizations).pipe(Layer.provideMerge(layerTest))

const hour = (n: number) => new Date(Date.UTC(2026, 0, 1, n))

const instance = (organization: Organization, uid: string, rest: Partial<InstanceRecord> = {}): InstanceRecord => ({
  uid,
  key: {
    organizationId: organization.id,
    organization: organization.name,
    app: shop,
    stage: productionStage,
    namespace: organization.name,
    service: ServiceName.make("web")
  },
  revision: "web-00001",
  instance: `web-00001-${uid}`,
  startedAt: hour(1),
  endedAt: null,
  cpuMilli: 500,
  memoryBytes: 512 * 1024 ** 2,
  ...rest
})

/** A recorder on a runtime that reports the test's events, until the scope closes. */
const recorder = (options: UsageRecorder.UsageRecorderOptions = {}, name: "kubernetes" | "local" = "kubernetes") =>
  Effect.gen(function* () {
    const told = yield* Queue.unbounded<InstanceRecord>()
    yield* Layer.build(
      UsageRecorder.layer(options).pipe(
        Layer.provide(
          Layer.mock(Runtime, {
            name,
            inPlace: false,
            repairs: true,
            limitations: () => [],
            initialScale: undefined,
            announce: undefined,
            isLogCursor: () => false,
            logBytes: () => Effect.succeed(null),
            instances: Stream.fromQueue(told)
          })
        )
      )
    )
    return (records: ReadonlyArray<InstanceRecord>) => Queue.offerAll(told, records)
  })

const until = <A>(read: Effect.Effect<A, unknown>, reached: (_: A) => boolean) =>
  read.pipe(
    Effect.filterOrFail(reached, (error) => new Error(`not reached: ${JSON.stringify(error)}`)),
    Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 250 }),
    Effect.orDie
  )

describeOn(live, { excludeTestServices: true })("usage", (it) => {
  it.scoped("counts reservations within the range, however it overlaps an instance's lifetime", () =>
    Effect.gen(function* () {
      const usage = yield* Usage
      const organization = yield* newOrganization
      const tell = yield* recorder()
      yield* tell([
        instance(organization, "inside", { startedAt: hour(2), endedAt: hour(3) }),
        instance(organization, "before", { startedAt: hour(0), endedAt: hour(2) }),
        instance(organization, "after", { startedAt: hour(4), endedAt: hour(9) }),
        instance(organization, "runs", { startedAt: hour(0) }),
        instance(organization, "outside", { startedAt: hour(6), endedAt: hour(7) })
      ])
      const read = usage.read(organization, hour(1), hour(5))
      const report = yield* until(read, (one) => one.services[0]?.instances === 4)
      // Hours: 1, 1, 1 and 4.
      expect(report).toStrictEqual({
        since: hour(1).toISOString(),
        until: hour(5).toISOString(),
        services: [
          {
            app: shop,
            stage: productionStage,
            service: ServiceName.make("web"),
            instances: 4,
            running: 1,
            instanceSeconds: 7 * 3600,
            cpuSeconds: (7 * 3600) / 2,
            memoryGibSeconds: (7 * 3600) / 2
          }
        ]
      })
      expect((yield* usage.read(yield* newOrganization, hour(1), hour(5))).services).toStrictEqual([])
    })
  )

  it.scoped("accepts the same lifetime again with more details", () =>
    Effect.gen(function* () {
      const usage = yield* Usage
      const organization = yield* newOrganization
      const tell = yield* recorder()
      yield* tell([
        instance(organization, "a"),
        instance(organization, "a", { endedAt: hour(2) }),
        // The cluster first reported that it runs, and then that it has ended.
        instance(organization, "a")
      ])
      yield* tell([
        instance(organization, "a", { endedAt: hour(2) }),
        instance(organization, "b", { endedAt: hour(2) })
      ])
      const report = yield* until(usage.read(organization, hour(0), hour(9)), (one) => one.services[0]?.instances === 2)
      expect(report.services[0]?.running).toBe(0)
      expect(report.services[0]?.instanceSeconds).toBe(2 * 3600)
    })
  )

  it.scoped("counts running instances as seen when the server ends, though the last beat was long ago", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const usage = yield* Usage
      const organization = yield* newOrganization
      const seenAt = Effect.map(
        sql<{ seen_at: Date }>`select seen_at from instances where organization_id = ${organization.id}`,
        ([row]) => row?.seen_at.getTime() ?? 0
      )
      const first = yield* Effect.scoped(
        Effect.gen(function* () {
          const tell = yield* recorder()
          yield* tell([instance(organization, "runs")])
          yield* until(usage.read(organization, hour(0), hour(9)), (one) => one.services[0]?.running === 1)
          return yield* seenAt
        })
      )
      expect(yield* seenAt).toBeGreaterThan(first)
    })
  )

  it.scoped("ends lifetimes of an earlier server at once if instances end with their server", () =>
    Effect.gen(function* () {
      const usage = yield* Usage
      const organization = yield* newOrganization
      const running = Effect.map(usage.read(organization, hour(0), hour(9)), (found) => found.services[0]?.running)
      const first = Effect.flatMap(recorder({}, "local"), (tell) =>
        Effect.zipRight(
          tell([instance(organization, "before")]),
          until(running, (one) => one === 1)
        )
      )
      yield* Effect.scoped(first)
      expect(yield* running).toBe(1)
      const tell = yield* recorder({}, "local")
      expect(yield* running).toBe(0)
      yield* tell([instance(organization, "after")])
      yield* until(running, (one) => one === 1)
    })
  )

  it.scoped("ends a lifetime when it was last seen if nobody saw its end, and doesn't end a continuing one", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const usage = yield* Usage
      const organization = yield* newOrganization
      yield* sql`
          insert into instances (organization_id, uid, app, stage, service, revision, instance, started_at, seen_at,
            cpu_milli, memory_bytes)
          values (${organization.id}, 'lost', ${shop}, ${productionStage}, 'web', 'web-00001', 'x', ${hour(1)}, ${hour(2)},
            1000, 1024)`
      const tell = yield* recorder({ beatMs: 20, lostMs: 1000 })
      yield* tell([instance(organization, "runs", { startedAt: hour(8) })])
      const report = yield* until(
        usage.read(organization, hour(0), hour(4)),
        (one) => one.services[0]?.running === 0 && one.services[0].instances === 1
      )
      expect(report.services[0]?.instanceSeconds).toBe(3600)
      yield* Effect.sleep("1500 millis")
      const later = yield* usage.read(organization, hour(8), hour(9))
      expect(later.services[0]).toMatchObject({ running: 1, instanceSeconds: 3600 })
    })
  )
})
