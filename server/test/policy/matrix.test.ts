import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type OperationName, Role, rowOf } from "@maxcloud/sdk/api"
import { type AccountServer, startAccountServer } from "./accountServer.ts"
import { type Endpoint, endpointsOfContract } from "./endpoints.ts"

const endpoints = endpointsOfContract()

/** Operations that end the caller's credential or account come last. */
const endings: ReadonlyArray<string> = ["auth.signOut", "account.delete"]
endpoints.sort((a, b) => endings.indexOf(a.operation) - endings.indexOf(b.operation))

const zeros = "0".repeat(32)
const absent: Readonly<Record<string, string>> = {
  app: "nothing",
  stage: "nowhere",
  name: "NOTHING",
  host: "absent.example",
  userId: `usr_${zeros}`,
  digest: `sha256:${"0".repeat(64)}`
}
const absentId = (operation: OperationName) =>
  operation.startsWith("services.")
    ? `svc_${zeros}`
    : operation.startsWith("deployments.")
      ? `dep_${zeros}`
      : operation.includes("Invite")
        ? `inv_${zeros}`
        : operation.includes("Oidc")
          ? `oidc_${zeros}`
          : operation.startsWith("erasures.")
            ? `era_${zeros}`
            : `key_${zeros}`

let server: AccountServer
beforeAll(async () => {
  server = await startAccountServer()
}, 120_000)
afterAll(() => server?.stop())

/** For these operations: a session besides the one that stays. */
const tokenFor = async (operation: OperationName, organization: string, token: string) => {
  if (operation !== "auth.signOut") return token
  const { body } = await server.request("POST", "/api/v1/auth/switch", { token, body: { organization } })
  return typeof body["token"] === "string" ? body["token"] : "none"
}

let addresses = 0
/** Callers without a credential each have their own address: too many of them from one are otherwise refused. */
const addressOf = (token: string | undefined) => (token === undefined ? `198.51.100.${++addresses % 250}` : undefined)

const send = (
  { method, path, takesBody }: Endpoint,
  token: string | undefined,
  values: Readonly<Record<string, string>>
) =>
  server.request(
    method,
    path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(values[name] ?? "missing")),
    { token, address: addressOf(token), ...(takesBody ? { body: {} } : {}) }
  )

describe("every operation by every role, in its own organization and in another", () => {
  it("follows the policy table", async () => {
    const { acme, rival } = server
    const canaries = acme.canaries
    const before = await server.everythingOf(acme)
    const wrong: Array<string> = []
    let cells = 0
    const cell = (name: string, got: number, fits: boolean, wanted: string) => {
      cells++
      if (!fits) wrong.push(`${name}: ${got} instead of ${wanted}`)
    }
    for (const endpoint of endpoints) {
      const { operation } = endpoint
      const { roles } = rowOf(operation)
      const nothing = { ...absent, id: absentId(operation) }

      const anonymous = await send(endpoint, undefined, nothing)
      cell(
        `${operation} without a credential`,
        anonymous.status,
        roles === "open" ? anonymous.status !== 401 && anonymous.status !== 403 : anonymous.status === 401,
        roles === "open" ? "anything but 401 and 403" : "401"
      )
      if (roles === "open") continue

      for (const role of Role.literals) {
        const allowed = roles.includes(role)
        const refused = (status: number) => status === 401 || status === 403
        // In its own organization: with missing objects or an invalid body, so that nothing is done twice.
        const own = await send(endpoint, await tokenFor(operation, acme.name, acme.sessions[role]), nothing)
        const fits = allowed ? !refused(own.status) && own.status < 500 : own.status === 403
        cell(`${operation} by ${role}`, own.status, fits, allowed ? "no refusal" : "403")

        // In another organization: with real names and ids.
        const foreign = await send(
          endpoint,
          await tokenFor(operation, rival.name, rival.sessions[role]),
          acme.values(operation)
        )
        const text = foreign.text
        const kept = allowed ? !refused(foreign.status) && foreign.status < 500 : foreign.status === 403
        cell(`${operation} by ${role} of another`, foreign.status, kept, allowed ? "no refusal" : "403")
        for (const canary of canaries) {
          if (text.includes(canary)) wrong.push(`${operation} by ${role} of another tells ${canary}`)
        }
      }
    }
    expect(wrong).toEqual([])
    // Nothing the other organization sent has changed anything.
    expect(await server.everythingOf(acme)).toEqual(before)
    const operations = endpoints.length
    console.log(
      `policy matrix: ${operations} operations × ${Role.literals.length} roles × own and another's organization, and without a credential: ${cells} requests, all match the table`
    )
  }, 120_000)
})
