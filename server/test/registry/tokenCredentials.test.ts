import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Schema, Scope } from "effect"
import { decodeJwt } from "jose"
import { makeTestIssuer, type TestIssuer } from "../oidc/testIssuer.ts"
import { startServer } from "../policy/accountServer.ts"
import { makePeople } from "../policy/people.ts"

const Issued = Schema.Struct({ token: Schema.String })

let server: Awaited<ReturnType<typeof startServer>>
let people: ReturnType<typeof makePeople>
let issuer: TestIssuer
const scope = Effect.runSync(Scope.make())
beforeAll(async () => {
  server = await startServer({ requestsPerMinute: 100_000, privateIssuers: true })
  people = makePeople(server)
  issuer = await Effect.runPromise(Scope.extend(makeTestIssuer, scope))
}, 120_000)
afterAll(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  await server?.stop()
})

/** What a password gets for pulling and pushing the apps `shop` and `docs` of its organization, or the status of a refusal. */
const grantedTo = async (password: string, organization: string) => {
  const query = new URLSearchParams({ service: "registry.maxcloud.dev" })
  for (const app of ["shop", "docs"]) query.append("scope", `repository:${organization}/${app}:pull,push`)
  const authorization = `Basic ${Buffer.from(`x:${password}`).toString("base64")}`
  const response = await fetch(`${server.url}/api/v1/registry/token?${query}`, { headers: { authorization } })
  if (response.status !== 200) return response.status
  const { access } = decodeJwt(Schema.decodeUnknownSync(Issued)(await response.json()).token)
  return JSON.parse(JSON.stringify(access).replaceAll(`${organization}/`, ""))
}

const idOf = async (token: string) => String((await people.must(200, "GET", "/organization", { token }))["id"])
const access = (name: string, ...actions: ReadonlyArray<string>) => ({ type: "repository", name, actions })

describe("a token for the registry", () => {
  it("is given to a job of a trusted issuer, as far as its trust allows", async () => {
    const owner = await people.owner("owner@jobs.test", "jobs")
    const id = await idOf(owner)
    const job = () => Effect.runPromise(issuer.sign({ aud: "maxcloud/jobs", sub: "job:shop", project_id: "7" }))
    expect(await grantedTo(await job(), id)).toBe(401)
    await people.must(201, "POST", "/auth/oidc-trusts", {
      token: owner,
      body: {
        name: "ci",
        issuer: issuer.issuer,
        claims: { sub: "job:*", project_id: "7" },
        role: "deployer",
        scopes: ["deploy:shop/production"]
      }
    })
    expect(await grantedTo(await job(), id)).toEqual([access("shop", "pull", "push")])
  })

  it("is refused once the role has changed, or the member or key is gone", async () => {
    const owner = await people.owner("owner@leaving.test", "leaving")
    const id = await idOf(owner)
    const { session, userId } = await people.member(owner, "deployer@leaving.test", "deployer")
    const both = (...actions: ReadonlyArray<string>) => [access("shop", ...actions), access("docs", ...actions)]
    const made = await people.must(201, "POST", "/auth/api-keys", { token: session, body: { name: "CI" } })
    const key = String(made["secret"])
    expect([await grantedTo(session, id), await grantedTo(key, id)]).toEqual([
      both("pull", "push"),
      both("pull", "push")
    ])
    const path = `/organization/members/${userId}`
    await people.must(200, "PATCH", path, { token: owner, body: { role: "viewer" } })
    expect([await grantedTo(session, id), await grantedTo(key, id)]).toEqual([both("pull"), both("pull")])
    await people.must(204, "DELETE", path, { token: owner })
    expect(await grantedTo(key, id)).toBe(401)
    expect(await grantedTo(session, id)).not.toEqual(both("pull"))
  })
})
