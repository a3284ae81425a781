import { describe, expect, it } from "@effect/vitest"
import { fakeServer, json, problem, type Route } from "../../test/fakeServer.ts"
import { MethodNotAllowed, NotFound } from "../api/index.ts"
import { createClient } from "../index.ts"
import { userAgent } from "./clientVersion.ts"

const infoOf =
  (version: unknown): Route =>
  (_, response) =>
    json(response, 200, { version })
const nothing: Route = ({ path }, response) =>
  problem(response, new NotFound({ resource: "page", resourceName: path, detail: `Nothing found at ${path}.` }))
const otherMethod: Route = (_, response) =>
  problem(response, new MethodNotAllowed({ allow: ["POST"], detail: "The path takes POST." }))

const failureOf = async (routes: Readonly<Record<string, Route>>) => {
  await using server = await fakeServer(routes)
  const client = createClient({ apiUrl: server.url, token: "key" })
  const error = await client.webhooks.list().then(
    () => expect.unreachable("it didn't fail"),
    (error: unknown) => error
  )
  return { error, url: server.url, received: server.received }
}

describe("an operation that the server doesn't have", () => {
  it.each([nothing, otherMethod])("is reported as such if the server is older", async (route) => {
    const { error, received, url } = await failureOf({
      "GET /api/v1/webhooks": route,
      "GET /api/v1/info": infoOf("0.0.9")
    })
    expect(error).toMatchObject({
      _tag: "ServerOutdated",
      serverVersion: "0.0.9",
      operation: "GET /api/v1/webhooks",
      message: expect.stringContaining(`the max-cloud server at ${url} has version 0.0.9 and lacks`)
    })
    expect(received.map(({ headers }) => [headers["user-agent"], headers.authorization])).toEqual([
      [userAgent, "Bearer key"],
      [userAgent, "Bearer key"]
    ])
  })

  it.each([["999.0.0"], ["banana"], [7], ["0".repeat(100_000)], [undefined]])(
    "is a missing page if the server's version is %s",
    async (version) => {
      const info = version === undefined ? {} : { "GET /api/v1/info": infoOf(version) }
      const { error } = await failureOf({ "GET /api/v1/webhooks": nothing, ...info })
      expect(error).toMatchObject({ _tag: "NotFound", resource: "page" })
    }
  )

  it("isn't suspected if something else is missing", async () => {
    const missing = new NotFound({ resource: "organization", resourceName: "acme", detail: "There is no acme." })
    const { error, received } = await failureOf({
      "GET /api/v1/webhooks": (_, response) => problem(response, missing),
      "GET /api/v1/info": infoOf("0.0.9")
    })
    expect(error).toMatchObject({ _tag: "NotFound", resource: "organization" })
    expect(received.map(({ path }) => path)).toEqual(["/api/v1/webhooks"])
  })
})
