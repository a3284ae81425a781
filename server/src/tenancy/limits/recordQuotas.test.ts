import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeFakeRuntime } from "../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, ownServer } from "../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../test/runtimeTests.ts"
import { Quotas } from "./Quotas.ts"

const fake = await Effect.runPromise(makeFakeRuntime)
const { server } = runtimeTests(ownServer(fake.layer, { resyncMs: 3_600_000 }))

const services = (count: number) => Array.from({ length: count }, (_, n) => ({ name: `s${n}` }))

describe("an organization's quotas", () => {
  it("produce an event at 80 % use and at a refusal, but not repeatedly", () =>
    server.runPromise(
      Effect.gen(function* () {
        const organization = yield* newOrganization
        const sql = yield* SqlClient
        yield* Effect.flatMap(Quotas, (quotas) => quotas.set(organization.id, { services: 5 }))
        const told = sql<{ type: string; data: unknown }>`
          select type, data from events where organization_id = ${organization.id} and type like 'quota.%' order by at`
        yield* finished(organization, yield* deploy(organization, services(3)))
        expect(yield* told).toStrictEqual([])
        yield* finished(organization, yield* deploy(organization, services(4)))
        yield* finished(organization, yield* deploy(organization, services(5)))
        const near = { type: "quota.near", data: { quota: "services", used: 4, limit: 5 } }
        expect([...(yield* told)]).toStrictEqual([near])
        for (const _ of [1, 2]) {
          const refused = yield* Effect.flip(deploy(organization, services(6)))
          expect(refused._tag).toBe("QuotaExceeded")
        }
        expect([...(yield* told)]).toStrictEqual([
          near,
          { type: "quota.exceeded", data: { app: "shop", stage: "production" } }
        ])
      })
    ))
})
