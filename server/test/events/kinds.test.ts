import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
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

describe("people's actions", () => {
  it("emit events with data of their kind, and no secret or address", async () => {
    const { acme } = server
    const { owner } = acme.sessions
    const path = "/api/v1/apps/shop/stages/production/secrets/TOKEN"
    const value = "a-value-of-a-secret"
    expect((await server.request("PUT", path, { token: owner, body: { value } })).status).toBe(200)
    expect((await server.request("DELETE", path, { token: owner })).status).toBe(204)
    const made = await server.request("POST", "/api/v1/auth/api-keys", { token: owner, body: { name: "CI" } })
    const made2: { readonly apiKey: { readonly id: string }; readonly secret: string } = JSON.parse(made.text)
    const rotated = await server.request("POST", `/api/v1/auth/api-keys/${made2.apiKey.id}/rotate`, {
      token: owner,
      body: {}
    })
    expect(rotated.status, rotated.text).toBeLessThan(300)
    expect(
      (await server.request("DELETE", `/api/v1/auth/api-keys/${made2.apiKey.id}`, { token: owner })).status
    ).toBeLessThan(300)
    const events = await eventsOf(owner)
    for (const event of events) {
      if (!isEventType(event.type)) expect.unreachable(event.type)
      else expect(eventKinds[event.type].isData(event.data), JSON.stringify(event)).toBe(true)
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
      expect(types.has(type), `${type} of ${[...types]}`).toBe(true)
    }
    const text = JSON.stringify(events)
    expect(text).not.toContain(value)
    expect(text).not.toContain(made2.secret)
    expect(text).not.toMatch(/@/)
  })

  it("include changed roles, and members who leave", async () => {
    const { owner } = server.acme.sessions
    const viewer = (await eventsOf(owner, "&type=member.added")).find((event) => event.data.role === "viewer")
    const at = `/api/v1/organization/members/${String(viewer?.data.userId)}`
    const changed = await server.request("PATCH", at, { token: owner, body: { role: "billing" } })
    expect(changed.status, changed.text).toBe(200)
    expect((await server.request("DELETE", at, { token: owner })).status).toBe(204)
    const found = await eventsOf(owner, "&type=member.role-changed,member.removed")
    expect(found.map(({ data, type }) => [type, data.role])).toStrictEqual([
      ["member.role-changed", "billing"],
      ["member.removed", null]
    ])
  })

  it("on API keys are visible only to admins, and not to another organization", async () => {
    const { deployer, owner } = server.acme.sessions
    expect(typesOf(await eventsOf(owner)).has("api-key.created")).toBe(true)
    const seen = await eventsOf(deployer)
    expect(seen.length).toBeGreaterThan(0)
    expect([...typesOf(seen)].some((type) => type.startsWith("api-key."))).toBe(false)
    const others = await eventsOf(server.rival.sessions.owner)
    const own = new Set(others.map((event) => event.source))
    expect(own.size).toBe(1)
    expect((await eventsOf(owner)).some((event) => own.has(event.source))).toBe(false)
    expect((await server.request("GET", "/api/v1/events", { token: server.acme.sessions.billing })).status).toBe(403)
  })
})
