import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { CloudEvent, eventKinds, isEventType } from "@maxcloud/sdk/api"
import { Schema } from "effect"
import { type AccountServer, startAccountServer } from "../policy/accountServer.ts"

let server: AccountServer
beforeAll(async () => {
  server = await startAccountServer()
}, 120_000)
afterAll(() => server.stop())

const decode = Schema.decodeUnknownSync(Schema.Array(CloudEvent))
const eventsOf = async (token: string, query = "") => {
  const { text } = await server.request("GET", `/api/v1/events?limit=1000${query}`, { token })
  return decode(JSON.parse(text))
}
const typesOf = (events: ReadonlyArray<CloudEvent>) => new Set(events.map((event) => event.type))

describe("what people do", () => {
  it("is told by events whose data is as their kind says, and no secret or address", async () => {
    const { acme } = server
    const { owner } = acme.sessions
    const path = "/api/v1/apps/shop/stages/production/secrets/TOKEN"
    const value = "a-value-of-a-secret"
    assert.strictEqual((await server.request("PUT", path, { token: owner, body: { value } })).status, 200)
    assert.strictEqual((await server.request("DELETE", path, { token: owner })).status, 204)
    const made = await server.request("POST", "/api/v1/auth/api-keys", { token: owner, body: { name: "CI" } })
    const made2: { readonly apiKey: { readonly id: string }; readonly secret: string } = JSON.parse(made.text)
    const rotated = await server.request("POST", `/api/v1/auth/api-keys/${made2.apiKey.id}/rotate`, {
      token: owner,
      body: {}
    })
    assert.isBelow(rotated.status, 300, rotated.text)
    assert.isBelow(
      (await server.request("DELETE", `/api/v1/auth/api-keys/${made2.apiKey.id}`, { token: owner })).status,
      300
    )
    const events = await eventsOf(owner)
    for (const event of events) {
      if (!isEventType(event.type)) assert.fail(event.type)
      else assert.isTrue(eventKinds[event.type].isData(event.data), JSON.stringify(event))
    }
    const types = typesOf(events)
    for (const type of [
      "member.added",
      "api-key.created",
      "api-key.rotated",
      "api-key.deleted",
      "secret.set",
      "secret.unset",
      "deployment.accepted"
    ]) {
      assert.isTrue(types.has(type), `${type} of ${[...types]}`)
    }
    const text = JSON.stringify(events)
    assert.notInclude(text, value)
    assert.notInclude(text, made2.secret)
    assert.notMatch(text, /@/)
  })

  it("is told of roles that change, and members who leave", async () => {
    const { owner } = server.acme.sessions
    const viewer = (await eventsOf(owner, "&type=member.added")).find((event) => event.data.role === "viewer")
    const at = `/api/v1/organization/members/${String(viewer?.data.userId)}`
    const changed = await server.request("PATCH", at, { token: owner, body: { role: "billing" } })
    assert.strictEqual(changed.status, 200, changed.text)
    assert.strictEqual((await server.request("DELETE", at, { token: owner })).status, 204)
    const found = await eventsOf(owner, "&type=member.role-changed,member.removed")
    assert.deepStrictEqual(
      found.map(({ data, type }) => [type, data.role]),
      [
        ["member.role-changed", "billing"],
        ["member.removed", null]
      ]
    )
  })

  it("of API keys is shown to admins alone, and nothing of it to another organization", async () => {
    const { deployer, owner } = server.acme.sessions
    assert.isTrue(typesOf(await eventsOf(owner)).has("api-key.created"))
    const seen = await eventsOf(deployer)
    assert.isAbove(seen.length, 0)
    assert.isFalse([...typesOf(seen)].some((type) => type.startsWith("api-key.")))
    const others = await eventsOf(server.rival.sessions.owner)
    const own = new Set(others.map((event) => event.source))
    assert.strictEqual(own.size, 1)
    assert.isFalse((await eventsOf(owner)).some((event) => own.has(event.source)))
    assert.strictEqual(
      (await server.request("GET", "/api/v1/events", { token: server.acme.sessions.billing })).status,
      403
    )
  })
})
