import { createServer } from "node:http"
import { connect } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { createClient } from "@maxcloud/sdk"
import { startServer } from "./accountServer.ts"

type Server = Awaited<ReturnType<typeof startServer>>

let server: Server
beforeAll(async () => {
  server = await startServer({ requestsPerMinute: 100_000 })
}, 60_000)
afterAll(() => server?.stop())

const json = "application/json"

const must = async (status: number, ...[method, path, options]: Parameters<Server["request"]>) => {
  const answer = await server.request(method, path, options)
  expect([status, answer.text.slice(0, 300)]).toEqual([answer.status, answer.text.slice(0, 300)])
  return answer.body
}
const post = (status: number, path: string, body: unknown, token?: string, address?: string) =>
  must(status, "POST", `/api/v1${path}`, { body, token, address })

let networks = 0
const network = () => `2001:db8:${(++networks).toString(16)}::1`

const register = async (email: string, organization: string) => {
  const { token } = await post(201, "/auth/register", { email, organization }, undefined, network())
  const link = await server.fromLog(/\/auth\/verify\?token=([\w-]+)/)
  return { token: String(token), link }
}
const verified = async (email: string, organization: string) => {
  const { link, token } = await register(email, organization)
  await post(200, "/auth/verify", { token: link }, undefined, network())
  return token
}
const joined = async (owner: string, email: string, role: string) => {
  await post(201, "/auth/invites", { email, role }, owner)
  const token = await server.fromLog(/accept-invite\?token=([\w-]+)/)
  return String((await post(201, "/auth/accept-invite", { token }, undefined, network()))["token"])
}
const deploy = (status: number, token: string, app: string, stage = "production") =>
  post(
    status,
    `/apps/${app}/stages/${stage}/deployments`,
    { spec: { apiVersion: "maxcloud.dev/v1", app, services: [{ name: app, image: "absent.example/app:1" }] } },
    token
  )
const auditOf = async (owner: string) => (await server.request("GET", "/api/v1/audit?limit=200", { token: owner })).text

const listed = async (path: string, token: string) => (await server.request("GET", path, { token })).items

/** Sends a request that a browser would refuse to send. */
const raw = (head: string) =>
  new Promise<string>((resolve, reject) => {
    const { hostname, port } = new URL(server.url)
    let text = ""
    const socket = connect(Number(port), hostname, () =>
      socket.write(`${head}\r\nHost: x\r\nConnection: close\r\n\r\n`)
    )
    socket.setEncoding("utf8")
    socket.on("data", (value) => {
      text += value
    })
    socket.on("close", () => resolve(text))
    socket.on("error", reject)
    socket.setTimeout(3_000, () => socket.destroy())
  })

describe("an account that somebody else registered for the address", () => {
  it("neither sees nor revokes invites to it", async () => {
    const owner = await verified("owner@inviting.test", "inviting")
    await post(201, "/auth/invites", { email: "victim@invited.test", role: "admin" }, owner)
    const { token } = await register("victim@invited.test", "squatting")
    const exported = await server.request("GET", "/api/v1/account/export", { token })
    expect([exported.status, exported.text.includes("inviting")]).toEqual([200, false])
  })

  it("stays in its own organization after the mail's reader opens the link", async () => {
    const { link, token: early } = await register("victim@hijacked.test", "prepared")
    await post(200, "/auth/verify", { token: link }, undefined, network())
    const owner = await verified("owner@real.test", "real")
    const own = await joined(owner, "victim@hijacked.test", "admin")
    await post(403, "/auth/switch", { organization: "real" }, early)
    expect((await server.request("GET", "/api/v1/account/export", { token: early })).status).toBe(403)
    expect((await server.request("POST", "/api/v1/account/deletion", { token: early })).status).toBe(403)
    expect(JSON.stringify(await must(200, "GET", "/api/v1/auth/status", { token: early }))).not.toContain('"real"')
    await post(201, "/auth/switch", { organization: "prepared" }, own)
  })
})

describe("a narrowed key", () => {
  it("can deploy its app and stage completely, and can't see or change anything else", async () => {
    const owner = await verified("owner@narrow.test", "narrow")
    await deploy(202, owner, "other")
    const { secret } = await post(201, "/auth/api-keys", { name: "CI", scopes: ["deploy:shop/production"] }, owner)
    const key = String(secret)
    const { id } = await deploy(202, key, "shop")
    const events = await fetch(`${server.url}/api/v1/deployments/${id}/events`, {
      headers: { authorization: `Bearer ${key}` }
    })
    expect(events.status).toBe(200)
    await events.body?.cancel()
    await deploy(403, key, "other")
    await deploy(403, key, "shop", "dev")
    await post(422, "/apps/shop/stages/production/deployments", { spec: { app: "other", services: [] } }, key)
    const list = (query: string) => server.request("GET", `/api/v1/services${query}`, { token: key })
    for (const query of ["", "?stage=production", "?app=shop&stage=production"]) {
      expect((await list(query)).text).toMatch(/"app":"shop"/)
      expect((await list(query)).text).not.toContain('"other"')
    }
    expect((await list("?app=shop&stage=production&app=other")).text).not.toContain('"other"')
    expect((await list("?app=other&stage=production")).status).toBe(403)
  })
})

describe("copied secrets", () => {
  it("need a key that may deploy to both places, and stay in their organization", async () => {
    const owner = await verified("owner@copied.test", "copied")
    const put = (app: string, stage: string, token: string) =>
      server.request("PUT", `/api/v1/apps/${app}/stages/${stage}/secrets/A`, { token, body: { value: "hunter2" } })
    expect((await put("shop", "production", owner)).status).toBe(200)
    const copy = (status: number, app: string, stage: string, from: object, token: string) =>
      post(status, `/apps/${app}/stages/${stage}/secrets-copy`, { from, names: ["A"] }, token)
    const production = { app: "shop", stage: "production" }
    const keyOf = async (...scopes: ReadonlyArray<string>) =>
      String((await post(201, "/auth/api-keys", { name: `CI ${scopes.join()}`, scopes }, owner))["secret"])
    const dev = await keyOf("deploy:shop/dev")
    await copy(403, "shop", "dev", production, dev)
    await copy(403, "shop", "dev", production, await keyOf("deploy:shop/dev", "read:shop/production"))
    await copy(403, "shop", "production", { app: "shop", stage: "dev" }, dev)
    await copy(200, "shop", "dev", production, await keyOf("deploy:shop/*"))
    const answer = await copy(404, "shop", "dev", { app: "none", stage: "production" }, owner)
    expect(JSON.stringify(answer)).not.toContain("hunter2")
    const other = await verified("owner@thief.test", "thief")
    await copy(404, "shop", "dev", production, other)
    await copy(403, "shop", "dev", production, await joined(owner, "viewer@copied.test", "viewer"))
  })
})

describe("a path in a form that the policy doesn't recognize", () => {
  it("reaches no handler", async () => {
    const owner = await verified("owner@written.test", "written")
    const viewer = await joined(owner, "viewer@written.test", "viewer")
    const bearer = `Authorization: Bearer ${viewer}`
    const targets = [
      "/API/v1/audit",
      "//api/v1/audit",
      "/api/v1//audit",
      "/api/v1/audit;x",
      "/api/v1/audit%2F",
      "/api/v1/%61udit",
      "/api/v1/x/../audit",
      "http://x/api/v1/audit",
      "/api/v1/services/..%2faudit",
      "/api/v1/deployments/x;/../../audit",
      "/api/v1/audit?",
      "/api/v1/audit/"
    ]
    for (const target of targets) {
      const answer = await raw(`GET ${target} HTTP/1.1\r\n${bearer}`)
      expect([target, answer.slice(9, 12), answer.includes('"entries"')]).toEqual([
        target,
        expect.stringMatching(/^40[034]$/),
        false
      ])
    }
    const overridden = await raw(`GET /api/v1/auth/invites HTTP/1.1\r\nX-HTTP-Method-Override: POST\r\n${bearer}`)
    expect(overridden.slice(9, 12)).toBe("403")
    const twice = await raw(`GET /api/v1/audit HTTP/1.1\r\n${bearer}\r\nAuthorization: Bearer ${owner}`)
    expect(twice).not.toContain('"entries"')
    const upgraded = await raw(
      `GET /api/v1/audit HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n${bearer}`
    )
    expect(upgraded).not.toContain('"entries"')
  })

  it("doesn't reach the metrics through a proxy that isn't configured", async () => {
    expect((await server.request("GET", "/metrics")).status).toBe(200)
    const other = await startServer({ trustedProxies: new (await import("node:net")).BlockList() })
    try {
      expect((await other.request("GET", "/metrics", { address: "198.51.100.1" })).status).toBe(403)
    } finally {
      await other.stop()
    }
  })
})

describe("a caller who lost access", () => {
  it("reads no further events or logs", async () => {
    const owner = await verified("owner@shut.test", "shut")
    const viewer = await joined(owner, "viewer@shut.test", "viewer")
    await deploy(202, owner, "shop")
    const [service] = await listed("/api/v1/services", owner)
    const followed = await fetch(`${server.url}/api/v1/services/${service?.["id"]}/logs?follow=true`, {
      headers: { authorization: `Bearer ${viewer}` }
    })
    expect(followed.status).toBe(200)
    const ended = followed.text().catch(() => "broken off")
    const members = await listed("/api/v1/organization/members", owner)
    const userId = members.find((member) => member["role"] === "viewer")?.["userId"]
    await must(204, "DELETE", `/api/v1/organization/members/${userId}`, { token: owner })
    await ended
    expect((await server.request("GET", "/api/v1/services", { token: viewer })).status).toBe(401)
  }, 20_000)
})

describe("signing in", () => {
  it("still works for a person if one network requests their codes", async () => {
    await verified("locked@out.test", "locked")
    const begin = async (address: string) => {
      const page = await fetch(`${server.url}/auth/sign-in`)
      const cookie = page.headers.get("set-cookie")?.split(";", 1)[0] ?? ""
      const formToken = /name="form_token" value="([^"]+)"/.exec(await page.text())?.[1] ?? ""
      const answer = await fetch(`${server.url}/auth/sign-in`, {
        method: "POST",
        redirect: "manual",
        headers: { cookie, "x-forwarded-for": address, "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ form_token: formToken, email: "locked@out.test", step: "email" })
      })
      await answer.text()
      return answer.status
    }
    const tried = await Promise.all(Array.from({ length: 25 }, (_, i) => begin(`2001:db8:bad:1::${i + 1}`)))
    expect(tried.filter((value) => value === 303).length).toBe(5)
    expect(await begin("203.0.113.9")).toBe(303)
  })

  it("is limited for all addresses of one network together", async () => {
    const statuses = await Promise.all(
      Array.from({ length: 35 }, async (_, i) =>
        server.request("GET", "/api/v1/services", { token: "mcs_nothing", address: `2001:db8:bad:2::${i + 1}` })
      )
    )
    expect(statuses.filter((status) => status.status === 429).length).toBeGreaterThanOrEqual(5)
  })
})

describe("the audit log", () => {
  it("records a refused request, and who sent it", async () => {
    const owner = await verified("owner@told.test", "told")
    const viewer = await joined(owner, "viewer@told.test", "viewer")
    await post(403, "/auth/invites", { email: "evil@told.test", role: "owner" }, viewer)
    const entries = await auditOf(owner)
    expect(entries).toContain('"viewer@told.test"')
    expect(entries).toMatch(/"action":"auth.createInvite","outcome":"refused"/)
  })
})

describe("the SDK", () => {
  it("follows no redirect with a body or a credential", async () => {
    const got: Array<string> = []
    const elsewhere = createServer((request, response) => {
      got.push(`${request.method} ${request.url} ${request.headers.authorization}`)
      response.writeHead(200, { "content-type": json }).end("{}")
    })
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve))
    const address = elsewhere.address()
    const port = typeof address === "object" ? address?.port : 0
    const first = createServer((_, response) =>
      response.writeHead(307, { location: `http://127.0.0.1:${port}/stolen` }).end()
    )
    await new Promise<void>((resolve) => first.listen(0, "127.0.0.1", resolve))
    const own = first.address()
    const apiUrl = `http://127.0.0.1:${typeof own === "object" ? own?.port : 0}`
    const client = createClient({ apiUrl, token: "mck_secret" })
    await expect(client.services.list()).rejects.toThrow()
    expect(got).toEqual([])
    elsewhere.close()
    first.close()
  })
})
