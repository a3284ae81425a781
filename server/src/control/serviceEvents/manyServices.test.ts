import { SqlClient } from "@effect/sql/SqlClient"
import { expect } from "@effect/vitest"
import { productionStage, ServiceName } from "@maxcloud/config-schema"
import { ServiceId } from "@maxcloud/sdk/api"
import { Deferred, Effect, Layer, Option, Schedule, Schema } from "effect"
import { makeFakeRuntime } from "../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, ownServer, shop } from "../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../test/runtimeTests.ts"
import type { Organization } from "../../base/words/Organization.ts"
import type { Happening } from "../../runtimes/port/Happening.ts"
import { namespaceKeyOf } from "../../runtimes/port/Platform.ts"
import { Runtime, type ServiceKey } from "../../runtimes/port/Runtime.ts"
import * as EventNumbering from "../../tenancy/events/EventNumbering.ts"
import { type NewEvent, recordEvents } from "../../tenancy/events/recordEvents.ts"
import { makeAnnouncing } from "./announcing.ts"
import { recordHappenings } from "./recordHappenings.ts"
import { recordScale } from "./recordScale.ts"

const fake = await Effect.runPromise(makeFakeRuntime)
const { test } = runtimeTests(ownServer(fake.layer))

/** Counts an effect's statements that insert events. */
const insertsOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    let inserts = 0
    const counting = new Proxy(sql, {
      apply: (target, self, args: Parameters<typeof sql>) => {
        if (String(args[0]).includes("insert into events")) inserts++
        return Reflect.apply(target, self, args)
      }
    })
    yield* Effect.provideService(effect, SqlClient, counting)
    return inserts
  })

const keyOf = (organization: Organization, service: string): ServiceKey => ({
  ...namespaceKeyOf({ organization, app: shop, stage: productionStage }, { namespacePrefix: "" }),
  service: ServiceName.make(service)
})
const names = ["web", "api", "worker"]
const withServices = Effect.gen(function* () {
  const organization = yield* newOrganization
  yield* finished(
    organization,
    yield* deploy(
      organization,
      names.map((name) => ({ name }))
    )
  )
  return organization
})

const decodeCounts = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ organization_id: Schema.String, count: Schema.Int }))
)
const countsOf = (type: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = yield* sql`
      select organization_id, count(*)::integer as count from events where type = ${type} group by 1`
    return new Map(decodeCounts(rows).map(({ count, organization_id }) => [organization_id, count]))
  })

test(
  "many services' events are one statement for each organization, while their rows are locked",
  Effect.gen(function* () {
    const organizations = [yield* withServices, yield* withServices]
    const keys = organizations.flatMap((organization) => names.map((name) => keyOf(organization, name)))
    const real = yield* Runtime
    const scaled = recordScale(keys).pipe(
      Effect.provideService(Runtime, {
        ...real,
        status: (key) =>
          Effect.map(
            real.status(key),
            Option.map((status) => ({ ...status, instances: 1 }))
          )
      })
    )
    expect(yield* insertsOf(scaled)).toBe(2)
    const happenings = keys.map(
      (key): Happening => ({
        type: "instance.restarted",
        key,
        id: `${key.service}/restart`,
        at: new Date(0),
        facts: { revision: "web-00001", instance: "pod", reason: "Failed", exitCode: 1 }
      })
    )
    const recorded = recordHappenings(happenings.map((one) => ({ group: one.id, items: [one], more: 0 })))
    expect(yield* insertsOf(recorded)).toBe(2)
    for (const type of ["service.scaled", "instance.restarted"]) {
      expect(yield* countsOf(type)).toEqual(new Map(organizations.map(({ id }) => [id, 3])))
    }
  })
)

const isNumbered = Effect.gen(function* () {
  const sql = yield* SqlClient
  return (yield* sql`select 1 from events where sequence is null limit 1`).length === 0
})

const restarted = (organization: Organization, service: ServiceId): NewEvent => ({
  type: "service.restarted",
  subject: `services/${service}`,
  data: { app: shop, stage: productionStage, service, name: keyOf(organization, "web").service }
})

test(
  "an organization whose events take long delays those of no other, and each is announced once and in order",
  Effect.gen(function* () {
    const organizations = [yield* withServices, yield* withServices]
    yield* Layer.build(EventNumbering.layer({ lookMs: 20 }))
    const sql = yield* SqlClient
    const service = ServiceId.make(`svc_${"b".repeat(32)}`)
    for (const organization of organizations) {
      yield* recordEvents(organization.id, ...Array.from({ length: 25 }, () => restarted(organization, service)))
      // Most kinds aren't announced.
      yield* sql`
        insert into events (organization_id, id, type, subject, data)
        select ${organization.id}, 'evt_' || n, 'image.pulled', 's', '{}' from generate_series(1, 1500) n`
      yield* recordEvents(organization.id, restarted(organization, service))
    }
    yield* isNumbered.pipe(Effect.repeat({ until: (is) => is, schedule: Schedule.spaced("20 millis") }))
    const ids = new Map<string, Array<string>>(organizations.map(({ id }) => [id, []]))
    const others = yield* Deferred.make<void>()
    let slow: string | undefined
    yield* makeAnnouncing((id) => ids.has(id)).pipe(
      Effect.provideService(Runtime, {
        ...(yield* Runtime),
        announce: ({ organizationId }, { id, reason }) =>
          Effect.suspend(() => {
            slow ??= organizationId
            if (reason === "Restarted") ids.get(organizationId)?.push(id)
            return organizationId === slow ? Deferred.await(others) : Deferred.succeed(others, undefined)
          })
      }),
      Effect.timeoutFail({ duration: "10 seconds", onTimeout: () => new Error("one organization waits for another") })
    )
    for (const found of ids.values()) {
      expect(found.length).toBe(26)
      expect(found).toEqual([...new Set(found)].toSorted())
    }
  }).pipe(Effect.scoped)
)
