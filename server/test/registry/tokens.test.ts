import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { createLocalJWKSet, jwtVerify } from "jose"
import { type AccountServer, startAccountServer } from "../policy/accountServer.ts"
import { hostileScopes } from "./hostileScopes.ts"

const service = "registry.maxcloud.dev"
const Token = Schema.Struct({ token: Schema.String, access_token: Schema.String, expires_in: Schema.Int })
const Keys = Schema.Struct({ keys: Schema.Array(Schema.Record({ key: Schema.String, value: Schema.Unknown })) })
const Claims = Schema.Struct({
  access: Schema.Array(
    Schema.Struct({ type: Schema.String, name: Schema.String, actions: Schema.Array(Schema.String) })
  )
})

let server: AccountServer
let own: string
let other: string
let verify: (token: string) => Promise<unknown>

/** Requests a token as docker does: with a password, or with none. */
const request = (scopes: ReadonlyArray<string>, password?: string, more: Readonly<Record<string, string>> = {}) => {
  const query = new URLSearchParams({ service, client_id: "docker", offline_token: "true", account: "me", ...more })
  for (const scope of scopes) query.append("scope", scope)
  const authorization = `Basic ${Buffer.from(`me:${password}`).toString("base64")}`
  const headers: Record<string, string> = password === undefined ? {} : { authorization }
  return fetch(`${server.url}/api/v1/registry/token?${query}`, { headers })
}

const accessOf = async (response: Response) => {
  expect(response.status).toBe(200)
  const { token, access_token } = Schema.decodeUnknownSync(Token)(await response.json())
  expect(access_token).toBe(token)
  return Schema.decodeUnknownSync(Claims)(await verify(token)).access.map(
    ({ actions, name, type }) => `${type}:${name}:${actions.join(",")}`
  )
}

const granted = async (scopes: ReadonlyArray<string>, password: string) => accessOf(await request(scopes, password))

const auditOf = async (outcome: string) =>
  (
    await server.request("GET", `/api/v1/audit?limit=200&action=registryTokens.issue&outcome=${outcome}`, {
      token: server.acme.sessions.owner
    })
  ).items.map(({ subject }) => String(subject))

const organizationOf = async (token: string) =>
  String((await server.request("GET", "/api/v1/organization", { token })).body["id"])

beforeAll(async () => {
  server = await startAccountServer()
  own = await organizationOf(server.acme.sessions.owner)
  other = await organizationOf(server.rival.sessions.owner)
  const published = await fetch(`${server.url}/api/v1/registry/keys`)
  const keys = createLocalJWKSet({ keys: [...Schema.decodeUnknownSync(Keys)(await published.json()).keys] })
  verify = async (token) => (await jwtVerify(token, keys, { audience: service, issuer: "maxcloud" })).payload
}, 120_000)
afterAll(() => server?.stop())

describe("tokens for the registry", () => {
  it("take a session as the password, and contain what its role may do", async () => {
    const scope = `repository:${own}/shop:pull,push`
    const { deployer, viewer } = server.acme.sessions
    expect(await granted([scope], deployer)).toStrictEqual([scope])
    expect(await granted([scope], viewer)).toStrictEqual([`repository:${own}/shop:pull`])
    expect(await granted([], viewer)).toStrictEqual([])
  })

  it("take an API key as the password, and follow its scopes", async () => {
    const { body } = await server.request("POST", "/api/v1/auth/api-keys", {
      token: server.acme.sessions.owner,
      body: { name: "CI", scopes: ["deploy:shop/*"] }
    })
    const scopes = [`repository:${own}/shop:pull,push`, `repository:${own}/docs:pull`]
    expect(await granted(scopes, String(body["secret"]))).toStrictEqual(scopes.slice(0, 1))
  })

  it("name several repositories in one scope, separated by spaces, and in several", async () => {
    const [first, second, third] = ["a", "b", "c"].map((app) => `repository:${own}/${app}:pull`)
    const all = [first, second, third]
    expect(await granted([`${first} ${second}`, `${third}`], server.acme.sessions.viewer)).toStrictEqual(all)
  })

  it("need a valid credential", async () => {
    const scope = `repository:${own}/shop:pull`
    expect((await request([scope])).status).toBe(401)
    expect((await request([scope], "wrong")).status).toBe(401)
    expect((await request([scope], "")).status).toBe(401)
    const bare = await fetch(`${server.url}/api/v1/registry/token`, { headers: { authorization: "Basic !" } })
    expect(bare.status).toBe(401)
  })

  it("are for this server's registry alone", async () => {
    const { viewer } = server.acme.sessions
    const foreign = await request([], viewer, { service: "registry.elsewhere.example" })
    expect([foreign.status, await foreign.text()]).toStrictEqual([400, expect.stringContaining("REGISTRY_URL")])
  })

  it("aren't given for more than 50 scopes in one request", async () => {
    const scopes = Array.from({ length: 51 }, (_, index) => `repository:${own}/a${index}:pull`)
    const { viewer } = server.acme.sessions
    expect((await request([scopes.join(" ")], viewer)).status).toBe(400)
    expect(await granted([scopes.slice(1).join(" ")], viewer)).toHaveLength(50)
  })

  it("aren't stored by caches, and other operations take no password", async () => {
    const { viewer } = server.acme.sessions
    const response = await request([], viewer)
    expect(response.headers.get("cache-control")).toBe("no-store")
    const authorization = `Basic ${Buffer.from(`me:${viewer}`).toString("base64")}`
    const info = await fetch(`${server.url}/api/v1/info`, { headers: { authorization } })
    expect(info.status).toBe(401)
  })

  it("are in the audit log, each grant and each refusal, however many a request names", async () => {
    const scopes = Array.from({ length: 20 }, (_, index) => `repository:${other}/refused${index}:pull`)
    const taken = Array.from({ length: 20 }, (_, index) => `repository:${own}/granted${index}:pull`)
    await granted([...scopes, ...taken], server.acme.sessions.viewer)
    const [refused, succeeded] = [await auditOf("refused"), await auditOf("succeeded")]
    for (let index = 0; index < 20; index++) {
      expect(refused.join("\n")).toContain(`repository:${other}/refused${index}:pull`)
      expect(succeeded.join("\n")).toContain(`${own}/granted${index}:pull`)
    }
    expect(succeeded.join("\n")).not.toContain("refused")
    const rival = server.rival.sessions.owner
    const others = (await server.request("GET", "/api/v1/audit?limit=200", { token: rival })).text
    expect(others).not.toContain("registryTokens.issue")
  })

  it("contain none of 150 hostile scopes", async () => {
    const sample = hostileScopes(own, other).filter((_, index) => index % 10 === 0)
    for (const scope of sample) {
      const response = await request([scope], server.acme.sessions.owner)
      // The server refuses requests with a NUL.
      if (scope.includes("\u0000")) expect(response.status, scope).toBe(400)
      else expect(await accessOf(response), scope).toStrictEqual([])
    }
    expect(sample).toHaveLength(150)
  })
})
