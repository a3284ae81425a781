import { assert, describe, it } from "@effect/vitest"
import type { Route } from "../../../base/proxy/Route.ts"
import { makeRouteTable } from "./RouteTable.ts"

const route = (key: string): Route => ({ key, protocol: "http1", timeoutMs: 1, acquire: () => Promise.reject(key) })

describe("RouteTable", () => {
  it("finds a service by its host, until the service is removed", () => {
    const table = makeRouteTable("localhost")
    table.add({ service: "web", namespace: "local" }, route("production"))
    table.add({ service: "web", namespace: "preview--local" }, route("preview"))
    assert.strictEqual(table.lookup("web--local.localhost")?.key, "production")
    assert.strictEqual(table.lookup("web--preview--local.localhost")?.key, "preview")
    assert.isUndefined(table.lookup("web--local.example.com"))
    table.remove({ service: "web", namespace: "local" })
    assert.isUndefined(table.lookup("web--local.localhost"))
    assert.strictEqual(table.lookup("web--preview--local.localhost")?.key, "preview")
  })

  it("has no host with a single dash, which two organizations could claim", () => {
    const table = makeRouteTable("localhost")
    table.add({ service: "api", namespace: "shop-corp" }, route("one"))
    assert.isUndefined(table.lookup("api-shop-corp.localhost"))
    table.add({ service: "api-shop", namespace: "corp" }, route("two"))
    assert.isUndefined(table.lookup("api-shop-corp.localhost"))
  })
})
