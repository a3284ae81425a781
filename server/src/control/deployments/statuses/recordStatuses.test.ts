import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { AppName, productionStage, ServiceName } from "@maxcloud/config-schema"
import { Effect } from "effect"
import { makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, ownServer } from "../../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../../test/runtimeTests.ts"
import { transaction } from "../../../base/database/sqlErrors.ts"
import type { ServiceStatus } from "../../../runtimes/port/Runtime.ts"
import { recordStatuses } from "./recordStatuses.ts"

const fake = await Effect.runPromise(makeFakeRuntime)
const { server } = runtimeTests(ownServer(fake.layer))

const idleStatus: ServiceStatus = {
  service: ServiceName.make("web"),
  generation: 1,
  observedGeneration: 1,
  state: "idle",
  conditions: [],
  latestCreatedRevision: null,
  latestReadyRevision: null,
  traffic: [],
  instances: 0,
  url: null,
  logTail: [],
  diagnosis: null,
  terminal: false
}

describe("the status of a service", () => {
  it("is read while nobody else can store one, so that an older one never replaces a newer one", () =>
    server.runPromise(
      Effect.gen(function* () {
        const organization = yield* newOrganization
        yield* finished(organization, yield* deploy(organization, [{ name: "web" }]))
        const free = Effect.flatMap(
          SqlClient,
          (sql) => sql`
            select 1 from services where organization_id = ${organization.id} and name = 'web'
            for no key update skip locked`
        )
        // On a separate connection.
        const freeElsewhere = Effect.promise(() => server.runPromise(free))
        let during: ReadonlyArray<unknown> | undefined
        yield* recordStatuses(
          [
            {
              organizationId: organization.id,
              app: AppName.make("shop"),
              stage: productionStage,
              service: ServiceName.make("web")
            }
          ],
          Effect.map(freeElsewhere, (rows) => {
            during = rows
            return []
          })
        )
        expect(during).toEqual([])
        // The server itself may be using the row at that moment.
        yield* Effect.repeat(freeElsewhere, { until: (rows) => rows.length === 1 })
      })
    ))

  it("keeps the number of instances from before its namespace was deleted", () =>
    server.runPromise(
      Effect.gen(function* () {
        const organization = yield* newOrganization
        yield* finished(organization, yield* deploy(organization, [{ name: "web" }]))
        const key = {
          organizationId: organization.id,
          app: AppName.make("shop"),
          stage: productionStage,
          service: ServiceName.make("web")
        }
        const seen = (instances: number, losing: boolean) => {
          const status = { ...idleStatus, instances, ...(losing ? { losing } : {}) }
          return Effect.zipRight(
            recordStatuses([key], Effect.succeed([{ key, status }])),
            Effect.flatMap(
              SqlClient,
              (sql) => sql<{ instances: number }>`
                select (status ->> 'instances')::int as instances from services where organization_id = ${organization.id}`
            )
          ).pipe(Effect.map(([row]) => row?.instances))
        }
        // In one transaction: the server, which sees another status, waits for the row.
        const counts = yield* transaction(
          Effect.all([seen(3, false), seen(2, true), seen(0, true), seen(4, true), seen(0, false)])
        )
        expect(counts).toEqual([3, 3, 3, 4, 0])
      })
    ))
})
