import { assert, describe, it } from "vitest"
import type { Route } from "../proxy/Route.ts"
import { makeRouteTable } from "./RouteTable.ts"

const route = (key: string): Route => ({ key, protocol: "http1", timeoutMs: 1, acquire: () => Promise.reject(key) })
const production = (service: string, organization = "local") => ({ service, organization, namespace: organization })
const preview = (service: string) => ({ service, organization: "local", namespace: "preview--local" })

describe("RouteTable", () => {
  it("finds a service by its host, and by the short one where only one is meant", () => {
    const table = makeRouteTable("localhost")
    table.add(production("web"), route("production"))
    table.add(preview("web"), route("preview"))
    table.add(preview("docs"), route("docs"))
    assert.strictEqual(table.lookup("web--local.localhost")?.key, "production")
    assert.strictEqual(table.lookup("web--preview--local.localhost")?.key, "preview")
    assert.strictEqual(table.lookup("web-local.localhost")?.key, "production")
    assert.strictEqual(table.lookup("docs-local.localhost")?.key, "docs")
    assert.isUndefined(table.lookup("docs--local.localhost"))
    assert.isUndefined(table.lookup("web--local.example.com"))
  })

  it("finds none where the short host could mean two", () => {
    const table = makeRouteTable("localhost")
    table.add(production("a-b", "c"), route("one"))
    assert.strictEqual(table.lookup("a-b-c.localhost")?.key, "one")
    table.add(production("a", "b-c"), route("two"))
    assert.isUndefined(table.lookup("a-b-c.localhost"))
    table.remove(production("a-b", "c"))
    assert.strictEqual(table.lookup("a-b-c.localhost")?.key, "two")
    table.remove(production("a", "b-c"))
    assert.isUndefined(table.lookup("a-b-c.localhost"))
  })
})
