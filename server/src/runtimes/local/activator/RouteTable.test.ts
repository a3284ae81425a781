import { assert, describe, it } from "@effect/vitest"
import { AppName, OrganizationName, ServiceName, StageName } from "@maxcloud/config-schema"
import type { Route } from "../../../base/proxy/Route.ts"
import { makeRouteTable } from "./RouteTable.ts"

const route = (key: string): Route => ({ key, protocol: "http1", timeoutMs: 1, acquire: () => Promise.reject(key) })
const named = (service: string, app: string, organization = "local", stage = "production") => ({
  organization: OrganizationName.make(organization),
  app: AppName.make(app),
  stage: StageName.make(stage),
  service: ServiceName.make(service)
})

describe("RouteTable", () => {
  it("finds a service by its host, until the service is removed", () => {
    const table = makeRouteTable("localhost")
    table.add(named("web", "shop"), route("production"))
    table.add(named("shop", "shop"), route("short"))
    table.add(named("web", "shop", "local", "preview"), route("preview"))
    assert.strictEqual(table.lookup("web--shop--local.localhost")?.key, "production")
    assert.strictEqual(table.lookup("shop--local.localhost")?.key, "short")
    assert.strictEqual(table.lookup("web--shop--preview--local.localhost")?.key, "preview")
    assert.isUndefined(table.lookup("web--shop--local.example.com"))
    table.remove(named("web", "shop"))
    assert.isUndefined(table.lookup("web--shop--local.localhost"))
    assert.strictEqual(table.lookup("web--shop--preview--local.localhost")?.key, "preview")
  })

  it("gives the same service of two apps two hosts", () => {
    const table = makeRouteTable("localhost")
    table.add(named("web", "shop"), route("shop"))
    table.add(named("web", "blog"), route("blog"))
    assert.strictEqual(table.lookup("web--shop--local.localhost")?.key, "shop")
    assert.strictEqual(table.lookup("web--blog--local.localhost")?.key, "blog")
  })

  it("has no host with a single dash, which two organizations could claim", () => {
    const table = makeRouteTable("localhost")
    table.add(named("api", "api", "shop-corp"), route("one"))
    assert.isUndefined(table.lookup("api-shop-corp.localhost"))
    table.add(named("api-shop", "api-shop", "corp"), route("two"))
    assert.isUndefined(table.lookup("api-shop-corp.localhost"))
  })
})
