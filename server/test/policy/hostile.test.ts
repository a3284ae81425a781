import { Agent, request } from "node:http"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type OperationName, rowOf } from "@maxcloud/sdk/api"
import fc from "fast-check"
import { formPages } from "../../src/edge/http/routeTable.ts"
import { type AccountServer, startAccountServer } from "./accountServer.ts"
import { type Endpoint, endpointsOfContract } from "./endpoints.ts"
import { hostile } from "./hostileValues.ts"

/** Requests per operation and page; more of them find more: `MAXCLOUD_HOSTILE_RUNS=200`. */
const numRuns = Number(process.env["MAXCLOUD_HOSTILE_RUNS"] ?? 6)
const withinMs = 10_000

const endpoints = endpointsOfContract().map((each) => ({
  ...each,
  takesBody: each.takesBody || each.operation === "sources.put"
}))

const spec = {
  apiVersion: "maxcloud.dev/v1",
  app: "hostile-app",
  services: [
    {
      name: "web",
      image: "hostile.example/app:1",
      env: { PLAIN: "text", FROM: { secret: "CANARY_SECRET" } },
      port: 8080
    },
    {
      name: "api",
      image: "hostile.example/app:1",
      scale: { min: 0, max: 2 },
      resources: { cpu: "500m", memory: "128Mi" }
    }
  ]
}

/** Bodies that the operations accept except that they name missing objects. */
const bodyOf: Partial<Record<OperationName, unknown>> = {
  "services.create": { name: "hostile", image: "hostile.example/app:1", env_vars: { KEY: "text" }, port: 8080 },
  "apps.plan": { spec },
  "apps.deploy": { spec, forceConflicts: false },
  "apps.setSecret": { value: "text" },
  "apps.copySecrets": { from: { app: "hostile", stage: "production" }, names: ["HOSTILE"] },
  "apps.importSecrets": { secrets: [{ name: "HOSTILE", value: "text" }] },
  "apps.rollbackSecret": { version: 1 },
  "registries.login": { username: "text", password: "text" },
  "signIn.register": { email: "somebody@hostile.test", organization: "hostile" },
  "signIn.acceptInvite": { token: "text-of-8-characters" },
  "signIn.verify": { token: "text-of-8-characters" },
  "signIn.startDevice": { clientName: "text" },
  "signIn.pollDevice": { deviceCode: "text-of-8-characters" },
  "auth.switchOrganization": { organization: "acme" },
  "auth.createApiKey": { name: "text", role: "viewer", scopes: ["read:shop/*"], expiresInSeconds: 60 },
  "auth.rotateApiKey": { overlapSeconds: 60 },
  "auth.createInvite": { email: "somebody@hostile.test", role: "viewer", expiresInSeconds: 60 },
  "auth.createOidcTrust": {
    name: "text",
    issuer: "https://issuer.invalid",
    claims: { sub: "repo:acme/shop:*", project_id: "7" },
    role: "viewer",
    scopes: ["read:shop/*"]
  },
  "organization.change": { displayName: "text" },
  "organization.changeMember": { role: "viewer" },
  "organization.delete": { name: "somebody-else", graceDays: 1 },
  "account.createOrganization": { organization: "hostile" }
}

const parameters = [
  "app",
  "stage",
  "name",
  "follow",
  "since",
  "until",
  "revision",
  "tail",
  "limit",
  "before",
  "action",
  "q"
]

interface Hostile {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

/** A request of the operation that is hostile in one or more places. */
const requestTo = ({ operation, path, takesBody }: Endpoint, values: Readonly<Record<string, string>>) => {
  const names = [...path.matchAll(/:(\w+)/g)].map((match) => match[1] ?? "")
  return fc
    .record({
      replaced:
        names.length === 0 ? fc.constant(undefined) : fc.option(fc.constantFrom(...names), { nil: undefined, freq: 1 }),
      value: hostile.inUrl,
      query: fc.oneof(
        fc.constant([]),
        fc.array(
          fc.tuple(fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...parameters) }, hostile.inUrl), hostile.inUrl),
          {
            minLength: 1,
            maxLength: 3
          }
        )
      ),
      headers: fc.oneof(
        fc.constant({}),
        fc.dictionary(
          fc.constantFrom(
            "last-event-id",
            "idempotency-key",
            "x-request-id",
            "accept-language",
            "if-match",
            "traceparent",
            "cookie"
          ),
          hostile.inHeader,
          { maxKeys: 2 }
        )
      ),
      body: takesBody ? hostile.bodies(bodyOf[operation] ?? { name: "text" }) : fc.constant(undefined)
    })
    .map(({ body, headers, query, replaced, value }): Hostile => {
      const filled = path.replace(/:(\w+)/g, (_, name: string) =>
        name === replaced && value !== "" ? value : encodeURIComponent(values[name] ?? "missing")
      )
      const asked = query.map(([name, of]) => `${name}=${of}`).join("&")
      return { path: asked === "" ? filled : `${filled}?${asked}`, headers, body }
    })
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
}

const agent = new Agent({ keepAlive: true })

/** The response, or only the head of a stream. */
const send = (url: string, method: string, path: string, headers: Readonly<Record<string, string>>, body?: string) =>
  new Promise<Answer>((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const sent = request({ hostname, port, path, method, agent, headers }, (response) => {
      const { "content-type": type = "" } = response.headers
      const chunks: Array<Buffer> = []
      const done = () => {
        clearTimeout(timer)
        resolve({ status: response.statusCode ?? 0, type, text: Buffer.concat(chunks).toString("utf8") })
      }
      if (type.startsWith("text/event-stream")) {
        done()
        sent.destroy()
        return
      }
      response.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", done)
    })
    const timer = setTimeout(() => sent.destroy(new Error(`no response within ${withinMs} ms`)), withinMs)
    sent.on("error", (error) => {
      clearTimeout(timer)
      reject(error)
    })
    sent.end(body)
  })

const shown = (text: string) => (text.length > 400 ? `${text.slice(0, 400)}… (${text.length} characters)` : text)

let server: AccountServer
beforeAll(async () => {
  server = await startAccountServer()
}, 120_000)
afterAll(async () => {
  agent.destroy()
  await server?.stop()
})

let addresses = 0
/** A different address each time, because many requests from one are refused. */
const address = () => `203.${(addresses >> 16) % 256}.${(addresses >> 8) % 256}.${addresses++ % 256}`

/** The sender of a request. Operations that end a credential, an account or an organization use one that nothing else needs. */
const tokenFor = async (operation: OperationName): Promise<string | undefined> => {
  const { acme, rival } = server
  if (rowOf(operation).roles === "open") return undefined
  if (operation === "account.delete") return rival.sessions.billing
  if (operation.startsWith("organization.")) return rival.sessions.owner
  if (operation !== "auth.signOut") return acme.sessions.owner
  const { body } = await server.request("POST", "/api/v1/auth/switch", {
    token: acme.sessions.owner,
    body: { organization: "acme" }
  })
  return String(body["token"])
}

const problemsOf = ({ status, text, type }: Answer): string | undefined => {
  if (status >= 500) return "it's a server error"
  if (status < 400) return undefined
  if (type !== "application/problem+json") return `it isn't a problem document, but ${type}`
  const problem: { readonly [key: string]: unknown } = JSON.parse(text)
  if (problem["status"] !== status) return "its body has another status"
  const { detail } = problem
  if (typeof detail !== "string" || detail.length < 10) return "it doesn't explain the mistake"
  return text.length > 40_000 ? `it is ${text.length} characters long` : undefined
}

describe("any request", () => {
  it(
    "to any operation gets a response, and a mistake never causes a 5xx",
    async () => {
      const statuses = new Map<number, number>()
      const wrong: Array<string> = []
      const zeros = "0".repeat(32)
      const check = async (endpoint: Endpoint) => {
        const { method, operation } = endpoint
        const values = {
          ...server.acme.values(operation),
          ...(operation.startsWith("organization.") ? { userId: `usr_${zeros}` } : {})
        }
        const property = fc.asyncProperty(requestTo(endpoint, values), async ({ body, headers, path }) => {
          const token = await tokenFor(operation)
          const answer = await send(
            server.url,
            method,
            path,
            {
              ...headers,
              "x-forwarded-for": address(),
              ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
              ...(body === undefined
                ? {}
                : {
                    "content-type": operation === "sources.put" ? "application/gzip" : "application/json",
                    "content-length": String(Buffer.byteLength(body))
                  })
            },
            body
          )
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
          const problem = problemsOf(answer)
          if (problem !== undefined) throw new Error(`${answer.status} ${shown(answer.text)}: ${problem}`)
        })
        const result = await fc.check(property, { numRuns, endOnFailure: true, interruptAfterTimeLimit: 600_000 })
        if (result.failed) {
          const [{ body = "", headers = {}, path = "" } = {}] = result.counterexample ?? []
          const why = result.errorInstance instanceof Error ? result.errorInstance.message : ""
          wrong.push(
            `${operation} (seed ${result.seed}): ${method} ${shown(path)} ${JSON.stringify(headers)} ${shown(body)}\n  ${why}`
          )
        }
      }
      const waiting = [...endpoints]
      await Promise.all(
        Array.from({ length: 4 }, async () => {
          for (let endpoint = waiting.shift(); endpoint !== undefined; endpoint = waiting.shift()) await check(endpoint)
        })
      )
      console.log(
        `hostile requests: ${endpoints.length} operations, ${[...statuses]
          .sort(([a], [b]) => a - b)
          .map(([status, count]) => `${status}: ${count}`)
          .join(", ")}`
      )
      expect(wrong).toEqual([])
    },
    20_000 + numRuns * 20_000
  )

  it(
    "to any page with a form gets a page",
    async () => {
      const wrong: Array<string> = []
      const fields = ["user_code", "email", "code", "step", "decision", "organization", "token", "form_token", "answer"]
      for (const path of formPages) {
        const shownPage = await fetch(`${server.url}/auth/sign-in`, { headers: { "x-forwarded-for": address() } })
        const cookie = shownPage.headers.get("set-cookie")?.split(";", 1)[0] ?? ""
        const formToken = /name="form_token" value="([^"]+)"/.exec(await shownPage.text())?.[1] ?? ""
        const body = fc
          .array(
            fc.tuple(
              fc.constantFrom(...fields),
              fc.oneof(hostile.inUrl, fc.constantFrom("email", "code", "again", "approve", "create"))
            ),
            {
              maxLength: 5
            }
          )
          .map((each) => [`form_token=${formToken}`, ...each.map(([name, value]) => `${name}=${value}`)].join("&"))
        const query = fc.array(fc.tuple(fc.constantFrom(...fields), hostile.inUrl), { maxLength: 2 })
        const property = fc.asyncProperty(
          fc.constantFrom("GET", "POST"),
          query.map((each) => each.map(([name, value]) => `${name}=${value}`).join("&")),
          body,
          fc.option(hostile.inHeader, { nil: undefined, freq: 4 }),
          hostile.inHeader,
          async (method, asked, form, otherCookie, language) => {
            const answer = await send(
              server.url,
              method,
              `${path}?${asked}`,
              {
                cookie: otherCookie === undefined ? cookie : `${cookie.split("=", 1)[0]}=${otherCookie}`,
                "accept-language": language,
                "x-forwarded-for": address(),
                ...(method === "POST"
                  ? {
                      "content-type": "application/x-www-form-urlencoded",
                      "content-length": String(Buffer.byteLength(form))
                    }
                  : {})
              },
              method === "POST" ? form : undefined
            )
            const isPage = answer.type.startsWith("text/html") || answer.type === "application/problem+json"
            if (answer.status >= 500 || !isPage)
              throw new Error(`${answer.status} ${answer.type} ${shown(answer.text)}`)
          }
        )
        const result = await fc.check(property, { numRuns: numRuns * 3, endOnFailure: true })
        if (result.failed) {
          const why = result.errorInstance instanceof Error ? result.errorInstance.message : ""
          wrong.push(`${path} (seed ${result.seed}): ${shown(JSON.stringify(result.counterexample))}\n  ${why}`)
        }
      }
      expect(wrong).toEqual([])
    },
    20_000 + numRuns * 5000
  )
})
