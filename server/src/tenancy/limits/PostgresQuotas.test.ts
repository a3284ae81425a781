import { SqlClient } from "@effect/sql/SqlClient"
import { assert, expect, layer } from "@effect/vitest"
import { AppName, StageName } from "@maxcloud/config-schema"
import { Effect, Layer } from "effect"
import { databaseTest, madeDataDir } from "../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../test/deployments/fakeRuntime.ts"
import { newOrganization, testServer } from "../../../test/deployments/testServer.ts"
import { listServices } from "../../../test/wholeLists.ts"
import type { Organization } from "../../base/words/Organization.ts"
import { Deployments } from "../../control/deployments/Deployments.ts"
import { Quotas } from "./Quotas.ts"

const server = Layer.unwrapScoped(
  Effect.gen(function* () {
    const fake = yield* makeFakeRuntime
    const dataDir = yield* madeDataDir
    return testServer(fake.layer, dataDir, { resyncMs: 60_000 }).pipe(Layer.provideMerge(databaseTest({ dataDir })))
  })
)

const targetOf = (
  organization: Organization,
  services: ReadonlyArray<Record<string, unknown>>,
  app = "shop",
  stage = "production"
) => ({
  organization,
  app: AppName.make(app),
  stage: StageName.make(stage),
  from: { spec: { app, services: services.map((service) => ({ image: "ready:1", ...service })) } }
})

const planOf = ({ from, ...target }: ReturnType<typeof targetOf>) => ({ ...target, ...from })

const deploy = (...target: Parameters<typeof targetOf>) =>
  Effect.flatMap(Deployments, (deployments) => deployments.accept(targetOf(...target)))

const refused = (...target: Parameters<typeof targetOf>) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(deploy(...target))
    expect(error._tag, error.message).toBe("QuotaExceeded")
    return error.message
  })

const one = { scale: { max: 1 }, cpu: 0.5, memory: "256Mi" }

layer(server, { excludeTestServices: true })("quotas", (it) => {
  it.effect("without any there's no limit", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* deploy(org, [{ name: "a", scale: { max: 1000 }, cpu: 64 }])
      const quotas = yield* Quotas
      expect(yield* quotas.use(org.id)).toStrictEqual({
        services: 1,
        instances: 1000,
        cpuMilli: 64_000_000,
        memoryBytes: 1000 * 512 * 2 ** 20,
        deploymentsPerHour: 1,
        sourceBytes: 0
      })
    })
  )

  it.effect.each([
    [
      "services",
      { services: 2 },
      /2 services, and this deployment would bring the organization to 3 \(1 of this app and stage, 2 of/
    ],
    ["instances", { instances: 2 }, /2 instances at maximum scale, .* organization to 3/],
    ["cpu", { cpuMilli: 1_250 }, /1\.25 vCPU at .* organization to 1\.5/],
    ["memory", { memoryBytes: 512 * 2 ** 20 }, /512Mi memory at .* organization to 768Mi/]
  ] as const)(
    "limit %s over apps and stages; existing services keep running, and can be removed",
    ([, values, message]) =>
      Effect.gen(function* () {
        const org = yield* newOrganization
        const quotas = yield* Quotas
        yield* quotas.set(org.id, values)
        yield* deploy(org, [{ name: "a", ...one }])
        yield* deploy(org, [{ name: "b", ...one }], "blog", "staging")
        expect(yield* refused(org, [{ name: "c", ...one }], "third")).toMatch(message)
        const { plan, destroy, deleteService } = yield* Deployments
        const { problems } = yield* plan(planOf(targetOf(org, [{ name: "c", ...one }], "third")))
        expect(problems[0]?.detail ?? "").toMatch(message)
        expect((yield* quotas.use(org.id)).deploymentsPerHour).toBe(2)

        // Lowered below the present use.
        yield* quotas.set(org.id, Object.fromEntries(Object.keys(values).map((key) => [key, 0])))
        yield* deploy(org, [{ name: "a", ...one, image: "ready:2" }])
        yield* refused(org, [{ name: "a", ...one, cpu: 1, memory: "1Gi", scale: { max: 2 } }, { name: "a2" }])
        const [first] = yield* listServices(org)
        assert(first !== undefined)
        if (first !== undefined) yield* deleteService(org, first.id)
        yield* destroy(org, AppName.make("blog"), StageName.make("staging"))
      })
  )

  it.effect("limit deployments in an hour, but never a removal", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      const { set } = yield* Quotas
      yield* set(org.id, { deploymentsPerHour: 2 })
      yield* deploy(org, [{ name: "a" }, { name: "b" }])
      yield* deploy(org, [{ name: "a" }, { name: "b", image: "ready:2" }])
      expect(yield* refused(org, [{ name: "a", image: "ready:3" }, { name: "b" }])).toMatch(
        /2 deployments per hour, and the organization has made 2/
      )
      yield* deploy(org, [{ name: "a" }])
      const { destroy } = yield* Deployments
      yield* destroy(org, AppName.make("shop"), StageName.make("production"))
      const sql = yield* SqlClient
      yield* sql`update deployments set created_at = created_at - interval '61 minutes' where organization_id = ${org.id}`
      yield* deploy(org, [{ name: "c" }])
    })
  )

  it.effect("admit exactly as many as allowed, of twelve apps at once", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      const quotas = yield* Quotas
      yield* quotas.set(org.id, { services: 5 })
      const apps = Array.from({ length: 12 }, (_, nth) => `app-${nth}`)
      const results = yield* Effect.forEach(apps, (app) => Effect.either(deploy(org, [{ name: app }], app)), {
        concurrency: 12
      })
      expect(results.filter((result) => result._tag === "Right")).toHaveLength(5)
      expect((yield* quotas.use(org.id)).services).toBe(5)
    })
  )

  it.effect("are set one by one; null restores the server's default", () =>
    Effect.gen(function* () {
      const org = yield* newOrganization
      const { of, set } = yield* Quotas
      yield* set(org.id, { services: 1, memoryBytes: 2 ** 45 })
      yield* set(org.id, { instances: 7, services: null })
      expect(yield* of(org.id)).toStrictEqual({
        services: null,
        instances: 7,
        cpuMilli: null,
        memoryBytes: 2 ** 45,
        deploymentsPerHour: null,
        sourceBytes: null,
        logBytes: null,
        streams: null
      })
    })
  )
})
