import { describe, expect, it } from "@effect/vitest"
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
    expect(table.lookup("web--shop--local.localhost")?.key).toBe("production")
    expect(table.lookup("shop--local.localhost")?.key).toBe("short")
    expect(table.lookup("web--shop--preview--local.localhost")?.key).toBe("preview")
    expect(table.lookup("web--shop--local.example.com")).toBeUndefined()
    table.remove(named("web", "shop"))
    expect(table.lookup("web--shop--local.localhost")).toBeUndefined()
    expect(table.lookup("web--shop--preview--local.localhost")?.key).toBe("preview")
  })

  it("gives equally named services of two apps different hosts", () => {
    const table = makeRouteTable("localhost")
    table.add(named("web", "shop"), route("shop"))
    table.add(named("web", "blog"), route("blog"))
    expect(table.lookup("web--shop--local.localhost")?.key).toBe("shop")
    expect(table.lookup("web--blog--local.localhost")?.key).toBe("blog")
  })

  it("uses no host with a single dash, which two organizations could claim", () => {
    const table = makeRouteTable("localhost")
    table.add(named("api", "api", "shop-corp"), route("one"))
    expect(table.lookup("api-shop-corp.localhost")).toBeUndefined()
    table.add(named("api-shop", "api-shop", "corp"), route("two"))
    expect(table.lookup("api-shop-corp.localhost")).toBeUndefined()
  })
})
