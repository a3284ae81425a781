import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { productionStage, ServiceName } from "@maxcloud/config-schema"
import { Effect } from "effect"
import { makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, ownServer, shop } from "../../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../../test/runtimeTests.ts"
import { listServices } from "../../../../test/wholeLists.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import type { ServiceStatus } from "../../../runtimes/port/Runtime.ts"
import { Services } from "../../services/Services.ts"
import { recordStatuses } from "./recordStatuses.ts"

const fake = await Effect.runPromise(makeFakeRuntime)
const { server } = runtimeTests(ownServer(fake.layer, { resyncMs: 3_600_000 }))

const web = ServiceName.make("web")

const told = ({ id }: Organization) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql<{ type: string }>`
      select type from events where organization_id = ${id} and type like 'service.%' order by at, id`
  ).pipe(Effect.map((rows) => rows.map((row) => row.type)))

/** Simulates that the last change was reported long ago. */
const later = ({ id }: Organization) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`update services set told_at = now() - interval '1 minute' where organization_id = ${id}`
  )

describe("a service's health", () => {
  it("is reported when it changes and lasts, not each time it flaps", () =>
    server.runPromise(
      Effect.gen(function* () {
        const organization = yield* newOrganization
        yield* finished(organization, yield* deploy(organization, [{ name: "web" }]))
        const base = {
          service: web,
          generation: 1,
          observedGeneration: 1,
          conditions: [],
          latestCreatedRevision: "web-00001",
          latestReadyRevision: "web-00001",
          traffic: [],
          instances: 1,
          url: null,
          logTail: [],
          diagnosis: null,
          terminal: false
        }
        const look = (state: ServiceStatus["state"]) => {
          const key = { organizationId: organization.id, app: shop, stage: productionStage, service: web }
          return recordStatuses([key], Effect.succeed([{ key, status: { ...base, state } }]))
        }
        expect(yield* told(organization)).toStrictEqual(["service.ready"])
        yield* look("degraded")
        yield* look("ready")
        expect(yield* told(organization)).toStrictEqual(["service.ready"])
        yield* later(organization)
        yield* look("degraded")
        expect(yield* told(organization)).toStrictEqual(["service.ready", "service.degraded"])
        yield* look("ready")
        yield* later(organization)
        // A newer revision that fails while an older one serves isn't the service's health.
        yield* look("failed")
        yield* look("ready")
        yield* look("idle")
        expect(yield* told(organization)).toStrictEqual(["service.ready", "service.degraded", "service.recovered"])
      })
    ))

  it("is reported with the operations on it", () =>
    server.runPromise(
      Effect.gen(function* () {
        const organization = yield* newOrganization
        yield* finished(organization, yield* deploy(organization, [{ name: "web" }, { name: "api" }]))
        const services = yield* Services
        const found = yield* listServices(organization)
        const id = found.find((service) => service.name === web)?.id
        if (id === undefined) return expect.unreachable("no service")
        yield* services.restart(organization, id)
        yield* services.pause(organization, id)
        yield* services.pause(organization, id)
        yield* services.resume(organization, id)
        yield* finished(organization, yield* deploy(organization, [{ name: "api" }]))
        expect((yield* told(organization)).filter((type) => type !== "service.ready")).toStrictEqual([
          "service.restarted",
          "service.paused",
          "service.resumed",
          "service.deleted"
        ])
      })
    ))
})
