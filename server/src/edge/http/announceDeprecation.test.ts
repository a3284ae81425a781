import { HttpApp, HttpServerResponse } from "@effect/platform"
import { describe, expect, it } from "@effect/vitest"
import { operations } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { announceDeprecation } from "./announceDeprecation.ts"

const deprecated = { since: "2026-12-01", sunset: "2027-12-01", replacement: "/api/v2/services" }

const answered = async (row: Parameters<typeof announceDeprecation>[0], headers: Record<string, string> = {}) => {
  const app = Effect.as(announceDeprecation(row), HttpServerResponse.empty({ headers }))
  const { handler, dispose } = HttpApp.toWebHandlerLayer(app, Layer.empty)
  const response = await handler(new Request("http://localhost/"))
  await dispose()
  return ["deprecation", "sunset", "link"].map((name) => response.headers.get(name))
}

describe("an operation that will be removed", () => {
  it("announces since when it is deprecated, when it ends and what replaces it, next to other links", async () => {
    const successor = '</api/v2/services>; rel="successor-version"'
    const dates = ["@1796083200", "Wed, 01 Dec 2027 00:00:00 GMT"]
    expect(await answered({ deprecated })).toEqual([...dates, successor])
    expect(await answered({ deprecated }, { link: '</next>; rel="next"' })).toEqual([
      ...dates,
      `</next>; rel="next", ${successor}`
    ])
    expect(await answered({})).toEqual([null, null, null])
  })

  it("remains available for at least a year", () => {
    for (const { name, row } of operations) {
      if (row.deprecated === undefined) continue
      const { since, sunset } = row.deprecated
      expect(Date.parse(sunset) - Date.parse(since), name).toBeGreaterThanOrEqual(365 * 86_400_000)
    }
  })
})
