import { SqlClient } from "@effect/sql/SqlClient"
import { layer as describeOn, expect } from "@effect/vitest"
import { type AppName, ServiceName } from "@maxcloud/config-schema"
import { ServiceId } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { layerTest } from "../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../test/deployments/fakeRuntime.ts"
import { newOrganization, shop } from "../../../test/deployments/testServer.ts"
import { layerTest as keys } from "../../../test/keys/layerTest.ts"
import { listServices } from "../../../test/wholeLists.ts"
import type { Organization } from "../../base/words/Organization.ts"
import { Platform } from "../../runtimes/port/Platform.ts"
import * as PostgresAudit from "../../tenancy/audit/PostgresAudit.ts"
import { layer as organizations } from "../../tenancy/organizations/Organizations.ts"
import { layer } from "./PostgresServices.ts"
import { Services } from "./Services.ts"

const id = (digit: string) => ServiceId.make(`svc_${digit.repeat(32)}`)

/** A deployed service, only as rows, because nobody works on them. */
const insertService = (organization: Organization, serviceId: ServiceId, name = "web", app: AppName = shop) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* sql`
      insert into app_stages (organization_id, app, stage) values (${organization.id}, ${app}, 'production')
      on conflict do nothing`
    yield* sql`
      insert into services (id, organization_id, app, stage, name, spec, secret_versions, deployment_number)
      values (${serviceId}, ${organization.id}, ${app}, 'production', ${name},
        ${JSON.stringify({ name, image: "a:1" })}::json, '{}', 1)`
  })

const work = (organization: Organization) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql<{ key: string; version: string }>`
      select key, version::text from work_items where organization_id = ${organization.id}`
  )

const platform = Layer.succeed(Platform, {
  namespacePrefix: "",
  domain: "localhost",
  scheme: "http",
  port: 8080,
  podSecurity: "baseline",
  runtimeClass: undefined
})

const live = Layer.unwrapEffect(
  Effect.map(makeFakeRuntime, (fake) =>
    layer.pipe(
      Layer.provideMerge(Layer.mergeAll(organizations, fake.layer, platform, PostgresAudit.layer())),
      Layer.provideMerge(keys),
      Layer.provideMerge(layerTest)
    )
  )
)

describeOn(live, { excludeTestServices: true })("pausing", (it) => {
  it.effect("is stored with the work it causes, in one step, and does nothing twice", () =>
    Effect.gen(function* () {
      const services = yield* Services
      const organization = yield* newOrganization
      yield* insertService(organization, id("a"))
      expect((yield* services.get(organization, id("a"))).status.state).toBe("pending")

      expect((yield* services.pause(organization, id("a"))).status.state).toBe("paused")
      expect(yield* work(organization)).toStrictEqual([{ key: "shop/production", version: "1" }])
      expect((yield* services.pause(organization, id("a"))).status.state).toBe("paused")
      expect(yield* work(organization)).toStrictEqual([{ key: "shop/production", version: "1" }])
      expect(
        (yield* listServices(organization, { name: ServiceName.make("web") })).map((each) => each.status.state)
      ).toStrictEqual(["paused"])

      expect((yield* services.resume(organization, id("a"))).status.state).toBe("pending")
      expect(yield* work(organization)).toStrictEqual([{ key: "shop/production", version: "2" }])
      expect((yield* services.resume(organization, id("a"))).status.state).toBe("pending")
      expect(yield* work(organization)).toStrictEqual([{ key: "shop/production", version: "2" }])
    })
  )

  it.effect("finds nothing of another organization", () =>
    Effect.gen(function* () {
      const services = yield* Services
      const [first, second] = [yield* newOrganization, yield* newOrganization]
      yield* insertService(first, id("b"))
      for (const set of [services.pause, services.resume]) {
        expect((yield* Effect.flip(set(second, id("b"))))._tag).toBe("NotFound")
      }
      expect((yield* services.get(first, id("b"))).status.state).toBe("pending")
      expect(yield* work(first)).toStrictEqual([])
    })
  )
})
