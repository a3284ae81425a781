import { assert, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as effects from "./effect.ts"
import { apiErrors, codeOf } from "./errorTable.ts"
import * as promises from "./index.ts"

const problem = {
  type: "/problems/not-found",
  title: "Not found",
  status: 404,
  code: "not_found",
  detail: "There is no service.",
  resource: "service",
  resourceName: "web"
}
const fetch: typeof globalThis.fetch = async () =>
  Response.json(problem, { status: 404, headers: { "content-type": "application/problem+json" } })
const options = { apiUrl: "http://127.0.0.1:1", token: "t", fetch }

describe("the errors of the API", () => {
  it("are exported with their names by both clients, and each has its code", () => {
    const exported: Readonly<Record<string, unknown>> = { ...promises }
    expect(Object.keys(apiErrors).filter((name) => typeof exported[name] !== "function")).toStrictEqual([])
    for (const name of Object.keys(apiErrors)) expect(Object.keys(effects), name).toContain(name)
    const error = new promises.QuotaExceeded({ detail: "Too much." })
    expect([error.code, error.message]).toStrictEqual([codeOf("QuotaExceeded"), "Too much."])
  })

  it("differ by class and by code, and all are an ApiError", async () => {
    const error = await promises
      .createClient(options)
      .services.get("web")
      .catch((error: unknown) => error)
    assert(error instanceof promises.ApiError)
    expect(error instanceof promises.NotFound).toBe(true)
    expect(error instanceof promises.Conflict).toBe(false)
    expect(error).toMatchObject({ code: "not_found", name: "NotFound", status: 404 })
    const found = await Effect.runPromise(
      Effect.flip(Effect.flatMap(effects.makeMaxCloud(options), (cloud) => cloud.services.get("web")))
    )
    expect(found instanceof effects.ApiError && found.code).toBe("not_found")
    for (const other of [undefined, null, {}, new Error("no"), new promises.InsecureUrl({ apiUrl: "" }), problem]) {
      expect(other instanceof promises.ApiError).toBe(false)
    }
  })
})
