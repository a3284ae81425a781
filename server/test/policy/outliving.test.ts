import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { makeTestIssuer, type TestIssuer } from "../oidc/testIssuer.ts"
import { startServer } from "./accountServer.ts"
import { makePeople } from "./people.ts"

let server: Awaited<ReturnType<typeof startServer>>
let people: ReturnType<typeof makePeople>
let issuer: TestIssuer
const scope = Effect.runSync(Scope.make())
beforeAll(async () => {
  server = await startServer({ requestsPerMinute: 100_000, privateIssuers: true })
  people = makePeople(server)
  issuer = await Effect.runPromise(Scope.extend(makeTestIssuer, scope))
}, 60_000)
afterAll(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  await server?.stop()
})

const jobOf = (organization: string, claims: Readonly<Record<string, unknown>> = {}) =>
  Effect.runPromise(issuer.sign({ aud: `maxcloud/${organization}`, sub: "job:shop", project_id: "7", ...claims }))

const trust = (token: string, rest: Readonly<Record<string, unknown>> = {}) =>
  people.must(201, "POST", "/auth/oidc-trusts", {
    token,
    body: { name: "ci", issuer: issuer.issuer, claims: { sub: "job:*", project_id: "7" }, role: "admin", ...rest }
  })

/** Status of reading what admins may read, and what every member may. */
const mayDo = async (token: string) => [
  (await server.request("GET", "/api/v1/audit", { token })).status,
  (await server.request("GET", "/api/v1/services", { token })).status
]

describe("an OIDC trust", () => {
  it("grants no more than its creator's current role, and the list says so", async () => {
    const owner = await people.owner("owner@trusting.test", "trusting")
    const admin = await people.member(owner, "admin@trusting.test", "admin")
    const made = await trust(admin.session)
    expect(made).toMatchObject({
      createdBy: { type: "person", name: "admin@trusting.test" },
      effectiveRole: "admin",
      limitedBecause: null
    })
    const job = await jobOf("trusting")
    expect(await mayDo(job)).toEqual([200, 200])

    const path = `/organization/members/${admin.userId}`
    await people.must(200, "PATCH", path, { token: owner, body: { role: "viewer" } })
    expect(await mayDo(job)).toEqual([403, 200])
    expect(await people.listed("/auth/oidc-trusts", owner)).toMatchObject([
      { name: "ci", role: "admin", effectiveRole: "viewer", limitedBecause: expect.stringMatching(/is viewer/) }
    ])

    await people.must(204, "DELETE", path, { token: owner })
    const refused = await server.request("GET", "/api/v1/services", { token: job })
    expect([refused.status, refused.text]).toEqual([401, expect.stringMatching(/is no longer a member/)])
    expect(await people.listed("/auth/oidc-trusts", owner)).toMatchObject([
      {
        createdBy: { type: "person", name: "admin@trusting.test" },
        effectiveRole: null,
        limitedBecause: expect.stringMatching(/no longer a member/)
      }
    ])

    // People who return must create a new trust: their old one stays ineffective.
    await people.member(owner, "admin@trusting.test", "owner")
    expect(await mayDo(job)).toEqual([401, 401])
    await trust(owner, { name: "again" })
    expect(await mayDo(job)).toEqual([200, 200])
  })

  it("no longer counts once its creator has no account", async () => {
    const owner = await people.owner("owner@left.test", "left")
    const admin = await people.member(owner, "admin@left.test", "admin")
    await trust(admin.session)
    await people.must(201, "POST", "/account/deletion", { token: admin.session })
    expect(await mayDo(await jobOf("left"))).toEqual([401, 401])
    expect(await people.listed("/auth/oidc-trusts", owner)).toMatchObject([
      {
        createdBy: { type: "person", name: null },
        effectiveRole: null,
        limitedBecause: expect.stringMatching(/no longer has an account/)
      }
    ])
  })

  it("can't be created by a credential that it would outlive", async () => {
    const owner = await people.owner("owner@chained.test", "chained")
    await trust(owner)
    const body = { name: "more", issuer: issuer.issuer, claims: { sub: "job:*", project_id: "7" } }
    const byToken = await server.request("POST", "/api/v1/auth/oidc-trusts", { token: await jobOf("chained"), body })
    expect([byToken.status, byToken.text]).toEqual([403, expect.stringMatching(/outlive/)])
    const { secret } = await people.must(201, "POST", "/auth/api-keys", {
      token: owner,
      body: { name: "ends", expiresInSeconds: 3600 }
    })
    const byKey = await server.request("POST", "/api/v1/auth/oidc-trusts", { token: String(secret), body })
    expect([byKey.status, byKey.text]).toEqual([403, expect.stringMatching(/expire/)])
  })
})

describe("an API key with an expiry", () => {
  const rotate = async (token: string, id: unknown) =>
    Object((await people.must(201, "POST", `/auth/api-keys/${id}/rotate`, { token, body: {} }))["apiKey"])

  it("can't create a successor that outlives it; a person can", async () => {
    const owner = await people.owner("owner@rotating.test", "rotating")
    const made = await people.must(201, "POST", "/auth/api-keys", {
      token: owner,
      body: { name: "ends", expiresInSeconds: 3600 }
    })
    const key = Object(made["apiKey"])
    const second = await rotate(String(made["secret"]), key.id)
    expect(second.expiresAt).toBe(key.expiresAt)
    const lasting = await people.must(201, "POST", "/auth/api-keys", { token: owner, body: { name: "lasts" } })
    const other = await people.must(201, "POST", "/auth/api-keys", {
      token: owner,
      body: { name: "expires too", expiresInSeconds: 3600 }
    })
    const { id, expiresAt } = Object(other["apiKey"])
    // A successor would survive the deletion of the key that made it.
    await people.must(403, "POST", `/auth/api-keys/${id}/rotate`, { token: String(lasting["secret"]), body: {} })
    const byPerson = await rotate(owner, id)
    expect(Date.parse(byPerson.expiresAt)).toBeGreaterThan(Date.parse(expiresAt))
  })
})

describe("a stream opened with an issuer's token", () => {
  it("ends with the token, and with the trust; other streams continue", async () => {
    const owner = await people.owner("owner@streaming.test", "streaming")
    await people.must(202, "POST", "/apps/shop/stages/production/deployments", {
      token: owner,
      body: {
        spec: { apiVersion: "maxcloud.dev/v1", app: "shop", services: [{ name: "web", image: "absent.example/app:1" }] }
      }
    })
    const [service] = await people.listed("/services", owner)
    const ending = await trust(owner, { name: "ending", claims: { sub: "job:ending" } })
    await trust(owner, { name: "lasting", claims: { sub: "job:lasting" } })
    const follow = async (claims: Readonly<Record<string, unknown>>) => {
      const response = await fetch(`${server.url}/api/v1/services/${service?.["id"]}/logs?follow=true`, {
        headers: { authorization: `Bearer ${await jobOf("streaming", claims)}` }
      })
      expect(response.status).toBe(200)
      return response
    }
    const lasting = await follow({ sub: "job:lasting" })
    // Clocks may differ by a minute, so it is valid for some seconds.
    const seconds = Math.floor(Date.now() / 1000)
    const expiring = await follow({ sub: "job:lasting", iat: seconds - 300, exp: seconds - 52 })
    const untrusted = await follow({ sub: "job:ending" })
    const isOver = (response: Response) =>
      response.text().then(
        () => "over",
        () => "over"
      )
    const goesOn = isOver(lasting)
    await people.must(204, "DELETE", `/auth/oidc-trusts/${ending["id"]}`, { token: owner })
    expect(await Promise.all([isOver(expiring), isOver(untrusted)])).toEqual(["over", "over"])
    expect(await Promise.race([goesOn, Promise.resolve("goes on")])).toBe("goes on")
  }, 40_000)
})
