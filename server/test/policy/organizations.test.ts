import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { operations } from "@maxcloud/sdk/api"
import { type AccountServer, startAccountServer, startServer } from "./accountServer.ts"
import { makePeople } from "./people.ts"

type Server = Awaited<ReturnType<typeof startServer>>

/** The difference between two otherwise equal refusals: the request's own name, and the requested word. */
const alike = (text: string, name: string) =>
  text
    .replaceAll(name, "NAME")
    .replace(/"requestId":"[^"]+"/, "")
    .replace(/"instance":"[^"]+"/, "")

describe("a path with an organization that the credential doesn't open", () => {
  let server: AccountServer
  beforeAll(async () => {
    server = await startAccountServer()
  }, 60_000)
  afterAll(() => server?.stop())

  it("isn't found, whether or not it exists, for every operation and kind of credential", async () => {
    const { acme, rival, request } = server
    const before = await server.everythingOf(rival)
    const { body } = await request("POST", "/api/v1/auth/api-keys", {
      token: acme.sessions.owner,
      body: { name: "all of acme" }
    })
    const below = operations.filter(({ organizationPath }) => organizationPath !== undefined)
    expect(below.length).toBeGreaterThan(50)
    for (const token of [acme.sessions.owner, String(body["secret"])]) {
      for (const { method, name, organizationPath = "", takesJson } of below) {
        const values = acme.values(name)
        const ask = async (organization: string) => {
          const path = organizationPath.replace(/:(\w+)/g, (_, parameter: string) =>
            parameter === "org" ? organization : (values[parameter] ?? `whk_${"0".repeat(32)}`)
          )
          const { status, text } = await request(method, path, { token, ...(takesJson ? { body: {} } : {}) })
          return [name, status, alike(text, organization)]
        }
        const existing = await ask("rival")
        expect(existing).toEqual([name, 404, expect.stringContaining("has no access to an organization")])
        expect(existing).toEqual(await ask("nobody"))
      }
    }
    expect(await server.everythingOf(rival)).toEqual(before)
    // The attempt is in the log of the credential's organization, and the other one never learns of it.
    const log = async (token: string) => (await request("GET", "/api/v1/audit?limit=200", { token })).text
    expect(await log(acme.sessions.owner)).toContain("organizations/rival/")
    expect(await log(rival.sessions.owner)).not.toContain("acme")
  }, 60_000)

  it("isn't found in any spelling", async () => {
    const { acme, rival, request } = server
    const get = async (path: string, token = acme.sessions.owner) =>
      (await request("GET", `/api/v1${path}`, { token })).status
    for (const name of ["-", "acme", "%61cme", "%2D"])
      expect([name, await get(`/organizations/${name}/services`)]).toEqual([name, 200])
    const others = [
      "rival",
      "%72ival",
      "ACME",
      "Acme",
      "-acme",
      "acme-",
      "--",
      "-%20",
      "acme%00",
      "acme%2F",
      "acme%2f..%2frival",
      "%2e%2e%2f",
      "~",
      "*",
      "a".repeat(5_000)
    ]
    for (const name of others) {
      const status = await get(`/organizations/${name}/services`)
      expect([name, [400, 404].includes(status)]).toEqual([name, true])
    }
    // The same for a second one, and for a path without an organization.
    for (const path of [
      "/organizations/acme/organizations/rival/services",
      "/organizations/-/organizations/-/services",
      "/organizations/rival/organizations/acme/services",
      "/organizations/acme/auth/api-keys",
      "/organizations/acme/organization/members",
      "/organizations/acme/account/export",
      "/organizations/acme/sign-out",
      "/organizations/acme/switch",
      "/organizations/acme/healthz",
      "/organizations/acme/erasures/era_0",
      "/organizations//services",
      "/Organizations/acme/services",
      "/organizations"
    ]) {
      expect([path, await get(path)]).toEqual([path, 404])
    }
    expect(await get("/organizations/rival/services", rival.sessions.owner)).toBe(200)
  })

  it("needs a credential first, and a method that the path supports", async () => {
    expect((await server.request("GET", "/api/v1/organizations/acme/services", {})).status).toBe(401)
    const wrong = await server.request("PUT", "/api/v1/organizations/rival/services", {
      token: server.acme.sessions.owner
    })
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"])
  })

  it("answers both forms alike for the credential's own organization", async () => {
    const token = server.acme.sessions.owner
    for (const { method, name, organizationPath, path, row } of operations) {
      if (organizationPath === undefined || method !== "GET" || /exec|events|logs|export/.test(name) || row.writes)
        continue
      const values = server.acme.values(name)
      const filled = (written: string) =>
        written.replace(/:(\w+)/g, (_, parameter: string) => values[parameter] ?? "acme")
      const short = await server.request("GET", filled(path), { token })
      const long = await server.request("GET", filled(organizationPath), { token })
      expect([name, long.status]).toEqual([name, short.status])
      // Each token is a new one.
      if (short.status === 200 && name !== "audit.list" && name !== "usage.read" && name !== "registryTokens.issue")
        expect([name, long.text]).toEqual([name, short.text])
    }
  })
})

describe("an organization's display name", () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer({ requestsPerMinute: 100_000 })
  }, 60_000)
  afterAll(() => server?.stop())

  it("is changed by a merge patch of owners and admins only, and its name stays", async () => {
    const { member, owner } = makePeople(server)
    const token = await owner("owner@named.test", "named")
    const { session: deployer } = await member(token, "deployer@named.test", "deployer")
    const patch = async (body: string, by = token, type = "application/merge-patch+json") => {
      const response = await fetch(`${server.url}/api/v1/organizations/named`, {
        method: "PATCH",
        headers: { authorization: `Bearer ${by}`, "content-type": type },
        body
      })
      const { displayName, name } = Object(await response.json())
      return [response.status, name, displayName]
    }
    expect(await patch('{"displayName":"Acme GmbH"}')).toEqual([200, "named", "Acme GmbH"])
    expect(await patch("{}")).toEqual([200, "named", "Acme GmbH"])
    expect(await patch('{"displayName":"Ünï 42"}', token, "application/json")).toEqual([200, "named", "Ünï 42"])
    expect(await patch('{"displayName":null}')).toEqual([200, "named", null])
    for (const wrong of [
      '{"displayName":""}',
      '{"displayName":" "}',
      '{"displayName":"a\\u202eb"}',
      '{"displayName":"a\\nb"}',
      '{"name":"other"}',
      '{"displayName":7}',
      "[]",
      "null"
    ]) {
      expect([wrong, (await patch(wrong))[0]]).toEqual([wrong, 400])
    }
    expect((await patch('{"displayName":"x"}', deployer))[0]).toBe(403)
    expect((await patch('{"displayName":"x"}', token, "text/plain"))[0]).toBe(415)
    const log = await server.request("GET", "/api/v1/audit?action=organization.change", { token })
    expect(log.items.filter((each) => each["outcome"] === "succeeded")).toHaveLength(4)
    expect(log.text).not.toContain("GmbH")
  })

  it("accepts merge patches for every other change, where null means the default", async () => {
    const token = await makePeople(server).owner("owner@patched.test", "patched")
    const made = await server.request("POST", "/api/v1/webhooks", {
      token,
      body: { url: "https://example.com/hooks", types: ["deployment.*"], description: "CI" }
    })
    const { id } = Object(made.body["webhook"])
    const patch = async (body: object) =>
      (await server.request("PATCH", `/api/v1/webhooks/${id}`, { token, body })).body
    expect(await patch({ description: "other" })).toMatchObject({ description: "other", types: ["deployment.*"] })
    expect(await patch({ types: null, description: null })).toMatchObject({
      description: null,
      types: ["*"],
      url: "https://example.com/hooks"
    })
    expect(await patch({ url: null })).toMatchObject({ status: 400 })
  })
})

describe("a session of a person who is a member of several organizations", () => {
  let server: Server
  let people: ReturnType<typeof makePeople>
  beforeAll(async () => {
    server = await startServer({ requestsPerMinute: 100_000 })
    people = makePeople(server)
  }, 60_000)
  afterAll(() => server?.stop())

  let nth = 0
  /** Ada deploys in one and reads in the other. Her session belongs to the first. */
  const twice = async () => {
    nth++
    const [one, other] = [`one-${nth}`, `other-${nth}`]
    const [owner, rival] = [
      await people.owner(`owner@${one}.test`, one),
      await people.owner(`owner@${other}.test`, other)
    ]
    const email = `ada@${one}.test`
    const { session, userId } = await people.member(owner, email, "deployer")
    await people.member(rival, email, "viewer")
    const ask = (method: string, path: string, body?: unknown, token = session) =>
      server.request(method, `/api/v1${path}`, { token, body })
    return { one, other, owner, rival, session, userId, ask }
  }
  const audit = async (token: string) => (await server.request("GET", "/api/v1/audit?limit=200", { token })).text

  it("acts in each with the role and rows there, and is audited there", async () => {
    const { ask, one, other, owner, rival } = await twice()
    const secret = "/apps/shop/stages/production/secrets/TOKEN"
    expect((await ask("PUT", `/organizations/${one}${secret}`, { value: "x" })).status).toBe(200)
    const refused = await ask("PUT", `/organizations/${other}${secret}`, { value: "x" })
    expect([refused.status, refused.text]).toEqual([403, expect.stringMatching(new RegExp(`${other}.*is viewer`))])
    const names = async (name: string) =>
      (await ask("GET", `/organizations/${name}/apps/shop/stages/production/secrets`)).items.map((each) => each["name"])
    expect([await names("-"), await names(one), await names(other)]).toEqual([["TOKEN"], ["TOKEN"], []])

    const status = async (name: string) => (await ask("GET", `/organizations/${name}/status`)).body
    expect(await status(one)).toMatchObject({ organization: one, role: "deployer" })
    expect(await status(other)).toMatchObject({ organization: other, role: "viewer" })
    expect(await status(other)).toMatchObject({ credential: (await status("-"))["credential"] })
    expect(Object((await status(other))["credential"]).expiresAt).toMatch(/^20/)
    expect((await ask("GET", `/organizations/${other}/info`)).body).toMatchObject({ organization: other })

    expect(await audit(rival)).toContain('"refused"')
    expect([
      (await audit(owner)).includes("apps.setSecret"),
      (await audit(rival)).includes('"succeeded","status":200,"subject":"secret')
    ]).toEqual([true, false])
  })

  it("links to the organization of the path", async () => {
    const { ask, other } = await twice()
    const made = await ask("POST", `/organizations/${other}/api-keys`, { name: "one" })
    const location = String(made.headers.get("location"))
    expect([made.status, location]).toEqual([
      201,
      `/api/v1/organizations/${other}/api-keys/${Object(made.body["apiKey"]).id}`
    ])
    await ask("POST", `/organizations/${other}/api-keys`, { name: "two" })
    const page = await ask("GET", `/organizations/${other}/api-keys?limit=1`)
    const [, next = ""] = /^<\/api\/v1([^>]+)>; rel="next"$/.exec(String(page.headers.get("link"))) ?? []
    expect(next).toMatch(new RegExp(`^/organizations/${other}/api-keys\\?`))
    expect((await ask("GET", next)).items.map((each) => each["name"])).toEqual(["one"])
    const key = String(made.body["secret"])
    expect((await ask("GET", "/auth/status", undefined, key)).body).toMatchObject({ organization: other })
    expect((await ask("GET", "/organizations/-/status", undefined, key)).body).toMatchObject({ organization: other })
    const problem = await ask("GET", `/organizations/${other}/services/svc_${"0".repeat(32)}`)
    expect(problem.body).toMatchObject({
      status: 404,
      instance: `/api/v1/organizations/${other}/services/svc_${"0".repeat(32)}`
    })
  })

  it("loses an organization at once with the membership there, and everything with its own", async () => {
    const { ask, one, other, owner, rival, userId } = await twice()
    const list = async (name: string) => (await ask("GET", `/organizations/${name}/services`)).status
    expect([await list(one), await list(other)]).toEqual([200, 200])
    await people.must(200, "PATCH", `/organization/members/${userId}`, { token: rival, body: { role: "billing" } })
    expect([await list(one), await list(other)]).toEqual([200, 403])
    await people.must(204, "DELETE", `/organization/members/${userId}`, { token: rival })
    expect([await list(one), await list(other)]).toEqual([200, 404])
    await people.must(204, "DELETE", `/organizations/${one}/members/${userId}`, { token: owner })
    expect([await list(one), await list(other), await list("-")]).toEqual([401, 401, 401])
  })

  it("has one budget of requests for all of them together, including those it can't open", async () => {
    const slow = await startServer({ requestsPerMinute: 5 })
    const { member, owner } = makePeople(slow)
    const email = "ada@slow.test"
    const { session } = await member(await owner("owner@slow.test", "slow"), email, "viewer")
    await member(await owner("owner@slower.test", "slower"), email, "viewer")
    const statuses: Array<number> = []
    for (const name of ["slow", "slower", "nobody", "slow", "slower", "nobody", "slow", "slower", "nobody"]) {
      statuses.push((await slow.request("GET", `/api/v1/organizations/${name}/services`, { token: session })).status)
    }
    await slow.stop()
    expect(statuses).toContain(429)
    expect(statuses.slice(0, 3)).toEqual([200, 200, 404])
  }, 30_000)

  it("ends by signing out, whatever it did last, and doesn't affect another owner's organization that is being deleted", async () => {
    const { ask, one, other, rival, userId } = await twice()
    await people.must(200, "PATCH", `/organization/members/${userId}`, { token: rival, body: { role: "owner" } })
    await people.must(202, "POST", `/organizations/${other}/deletion`, { token: rival, body: { name: other } })
    expect((await ask("GET", `/organizations/${other}`)).body["deleteAfter"]).toMatch(/^20/)
    expect((await ask("DELETE", `/organizations/${one}/deletion`)).status).toBe(403)
    expect((await ask("DELETE", `/organizations/${other}/deletion`)).status).toBe(204)
    expect((await ask("GET", `/organizations/${other}`)).body["deleteAfter"]).toBeNull()
    expect((await ask("POST", "/auth/sign-out")).status).toBe(204)
    expect((await ask("GET", `/organizations/${other}/services`)).status).toBe(401)
  })

  it("opens only its own if it began before its address was confirmed", async () => {
    nth++
    const rival = await people.owner(`owner@squatted-${nth}.test`, `squatted-${nth}`)
    // This session is older than the confirmation through the mailed link.
    const early = await people.owner(`victim@early-${nth}.test`, `early-${nth}`)
    await people.member(rival, `victim@early-${nth}.test`, "admin")
    const status = async (name: string) =>
      (await server.request("GET", `/api/v1/organizations/${name}/services`, { token: early })).status
    expect([await status(`early-${nth}`), await status(`squatted-${nth}`)]).toEqual([200, 404])
  })
})
