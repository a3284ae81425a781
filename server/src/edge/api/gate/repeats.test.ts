import { createServer, request as proxied } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { createClient } from "@maxcloud/sdk"
import { isRepeatable, operations } from "@maxcloud/sdk/api"
import { startServer } from "../../../../test/policy/accountServer.ts"

let server: Awaited<ReturnType<typeof startServer>>
let owner = ""
let admin = ""
beforeAll(async () => {
  server = await startServer({ requestsPerMinute: 100_000 })
  const registered = await server.request("POST", "/api/v1/auth/register", {
    body: { email: "owner@acme.test", organization: "acme" }
  })
  owner = String(registered.body["token"])
  await server.request("POST", "/api/v1/auth/invites", { token: owner, body: { email: "a@acme.test", role: "admin" } })
  const token = await server.fromLog(/accept-invite\?token=([\w-]+)/)
  admin = String((await server.request("POST", "/api/v1/auth/accept-invite", { body: { token } })).body["token"])
})
afterAll(() => server.stop())

const ask = async (
  method: string,
  path: string,
  { body, key, token = owner }: { readonly body?: unknown; readonly key?: string; readonly token?: string } = {}
) => {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(key === undefined ? {} : { "idempotency-key": key }),
      ...(body === undefined ? {} : { "content-type": "application/json" })
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  const text = await response.text()
  return {
    status: response.status,
    text,
    code: text.startsWith("{") ? JSON.parse(text).code : undefined,
    replayed: response.headers.get("idempotent-replayed"),
    location: response.headers.get("location"),
    link: response.headers.get("link"),
    retryAfter: response.headers.get("retry-after")
  }
}

const named = (name: string) => ({ name, role: "viewer" })
const keysNamed = async (name: string) =>
  JSON.parse((await ask("GET", "/auth/api-keys")).text).filter((each: { name: string }) => each.name === name)

describe("an Idempotency-Key", () => {
  it("merges 20 equal concurrent requests into one, and replays its answer later, with its headers and secret", async () => {
    const path = "/auth/api-keys"
    const request = { body: named("many"), key: "many-1" }
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask("POST", path, request)))
    const made = answers.filter(({ status }) => status === 201)
    const first = made.find(({ replayed }) => replayed === null)
    expect(made.filter(({ replayed }) => replayed === null)).toHaveLength(1)
    for (const each of answers.filter(({ status }) => status !== 201)) {
      expect([each.status, each.code, each.retryAfter]).toEqual([409, "request_in_progress", "1"])
    }
    const again = await ask("POST", path, request)
    expect(again).toEqual({ ...first, replayed: "true" })
    expect(again.location).toMatch(/^\/api\/v1\/auth\/api-keys\/key_/)
    expect(await keysNamed("many")).toHaveLength(1)
    const audited = JSON.parse((await ask("GET", "/audit")).text).filter(
      (each: { action: string; outcome: string }) => each.action === "auth.createApiKey" && each.outcome === "succeeded"
    )
    // The last entry says that a secret was shown again.
    expect(audited.map((each: { subject: string }) => / \(replay\)$/.test(each.subject))).toContain(true)
    expect(audited.filter((each: { subject: string }) => !/ \(replay\)$/.test(each.subject))).toHaveLength(1)
  })

  it("belongs to its caller and to one request", async () => {
    const key = "mine"
    expect((await ask("POST", "/auth/api-keys", { key, body: named("a") })).status).toBe(201)
    const other = await ask("POST", "/auth/api-keys", { key, body: named("b") })
    expect([other.status, other.code]).toEqual([422, "idempotency_key_reused"])
    const theirs = await ask("POST", "/auth/api-keys", { key, body: named("b"), token: admin })
    expect([theirs.status, theirs.replayed]).toEqual([201, null])
    // The order of fields and whitespace don't matter.
    const same = await ask("POST", "/auth/api-keys", { key, body: { role: "viewer", name: "a" } })
    expect(same.replayed).toBe("true")
  })

  it("works for deletions, which answer without a body", async () => {
    const [found] = await keysNamed("a")
    const path = `/auth/api-keys/${found.id}`
    expect(await ask("DELETE", path, { key: "d" })).toMatchObject({ status: 204, text: "", replayed: null })
    expect(await ask("DELETE", path, { key: "d" })).toMatchObject({ status: 204, text: "", replayed: "true" })
    expect((await ask("DELETE", path, { key: "e" })).status).toBe(404)
  })

  it("isn't stored for a refusal", async () => {
    const invite = { email: "twice@acme.test", role: "viewer" }
    const refused = await ask("POST", "/auth/invites", { key: "i", body: { ...invite, role: "king" } })
    expect(refused.status).toBe(400)
    expect((await ask("POST", "/auth/invites", { key: "i", body: invite })).status).toBe(201)
  })

  it.each(["", "x".repeat(201), "ü"])("is refused if it's invalid: %s", async (key) => {
    const answer = await ask("POST", "/auth/api-keys", { key, body: named("wrong") })
    expect([answer.status, answer.code]).toEqual([400, "invalid_request"])
    expect(answer.text).toContain("idempotency-key")
  })

  it("is accepted by every operation that writes with a credential, unless it uploads or opens a session", () => {
    const without = operations.filter(({ name, row }) => row.writes && !isRepeatable(name)).map(({ name }) => name)
    expect(without.sort()).toEqual([
      "services.exec",
      "services.openPort",
      "signIn.acceptInvite",
      "signIn.register",
      "signIn.startDevice",
      "signIn.verify",
      "sources.put"
    ])
  })
})

/** Forwards requests, and cuts the connection of the first `cuts` of them once the server has answered. */
const cuttingProxy = async (cuts: number) => {
  let left = cuts
  const proxy = createServer((incoming, outgoing) => {
    const { headers, method, url } = incoming
    const onward = proxied(`${server.url}${url}`, { method, headers }, (answer) => {
      if (method !== "GET" && left-- > 0) {
        answer.resume().on("end", () => incoming.socket.destroy())
      } else {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(outgoing)
      }
    })
    incoming.pipe(onward)
  }).listen(0, "127.0.0.1")
  await new Promise((resolve) => proxy.once("listening", resolve))
  const { port } = proxy.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, [Symbol.dispose]: () => void proxy.close() }
}

describe("the client", () => {
  it("creates a single object if the connection is cut after the server has acted", async () => {
    using proxy = await cuttingProxy(2)
    const cloud = createClient({ apiUrl: proxy.url, token: owner })
    const { apiKey, secret } = await cloud.auth.apiKeys.create({ name: "cut", role: "viewer" })
    expect(await keysNamed("cut")).toMatchObject([{ id: apiKey.id }])
    // This is the working key.
    expect((await ask("GET", "/services", { token: secret })).status).toBe(200)
  })

  it("deletes an object once, and treats its repeated deletion as a success", async () => {
    const cloud = createClient({ apiUrl: server.url, token: owner })
    const { apiKey } = await cloud.auth.apiKeys.create({ name: "gone", role: "viewer" })
    using proxy = await cuttingProxy(1)
    await createClient({ apiUrl: proxy.url, token: owner }).auth.apiKeys.delete(apiKey.id)
    expect(await keysNamed("gone")).toEqual([])
  })
})
