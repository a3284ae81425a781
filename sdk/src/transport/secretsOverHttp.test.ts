import { createServer, type Server } from "node:http"
import * as HttpApi from "@effect/platform/HttpApi"
import { afterEach, assert, describe, expect, it } from "@effect/vitest"
import { Arbitrary, Cause, Effect, Exit, FastCheck, Option } from "effect"
import { MaxCloudApi } from "../api/api.ts"
import { carriesSecret, operations } from "../api/operations.ts"
import { InsecureUrl } from "../errors.ts"
import { createClient } from "../index.ts"
import { makeConnection } from "./connection.ts"

/** Operations with a secret in the request or response. Add new ones here, or the test fails. */
const secret = [
  "account.createOrganization",
  "apps.importSecrets",
  "apps.setSecret",
  "auth.createApiKey",
  "auth.rotateApiKey",
  "auth.switchOrganization",
  "registries.login",
  "registryTokens.issue",
  "signIn.acceptInvite",
  "signIn.pollDevice",
  "signIn.register",
  "signIn.startDevice",
  "signIn.verify",
  "webhooks.create",
  "webhooks.rotateSecret"
]

interface Call {
  readonly name: string
  /** Calls through the client derived from the contract. */
  readonly send: (client: object) => Effect.Effect<unknown, unknown>
}

/** A call of each operation with values that its schemas allow. */
const calls: Array<Call> = []
HttpApi.reflect(MaxCloudApi, {
  onGroup: () => {},
  onEndpoint: ({ endpoint, group }) => {
    const [payload, path] = [endpoint.payloadSchema, endpoint.pathSchema].map((schema) =>
      Option.getOrUndefined(
        Option.map(schema, (found) => FastCheck.sample(Arbitrary.make(found), { numRuns: 1, seed: 1 })[0])
      )
    )
    // Every query parameter is optional or has a default.
    const input = { payload, path, urlParams: { tail: 1, follow: false, limit: 1 } }
    calls.push({
      name: `${group.identifier}.${endpoint.name}`,
      send: (client) =>
        Effect.suspend(() =>
          Reflect.apply(
            Reflect.get(group.topLevel ? client : Reflect.get(client, group.identifier), endpoint.name),
            undefined,
            [input]
          )
        )
    })
  }
})

afterEach(() => {
  process.env.MAXCLOUD_INSECURE = ""
})

const own = { userAgent: undefined, local: async () => undefined, found: () => async () => "" }

/** Reports how often a call used fetch, and whether it was refused before that. */
const caller = async (apiUrl: string, token: string, way: "api" | "anonymousApi" = "api") => {
  let sent = 0
  const fetch: typeof globalThis.fetch = async () => {
    sent++
    return new Response("{}", { status: 418 })
  }
  const client = await Effect.runPromise(makeConnection({ apiUrl, token, fetch }, own)[way])
  return async (call: Call) => {
    const before = sent
    const exit = await Effect.runPromiseExit(call.send(client))
    const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
    return { sent: sent - before, isRefused: error instanceof Error && error.cause instanceof InsecureUrl }
  }
}

describe("secrets in requests", () => {
  it("are marked in the contract, for every operation with secrets", () => {
    expect(operations.length).toBeGreaterThan(50)
    expect(operations.flatMap((operation) => (operation.isSecret ? [operation.name] : [])).sort()).toStrictEqual(secret)
    // A request that isn't in the contract might carry one.
    expect(carriesSecret("POST", "/api/v9/unheard-of")).toBe(true)
    expect(carriesSecret("GET", "/api/v1/auth/register")).toBe(true)
    expect(carriesSecret("GET", "/api/v1/info")).toBe(false)
  })

  it("never go unencrypted to another machine, with or without a token, in any operation", async () => {
    let [plain, encrypted] = [0, 0]
    for (const apiUrl of ["http://cloud.example.com", "http://10.0.0.1:8080/behind/a/proxy"]) {
      const withoutToken = await Promise.all([caller(apiUrl, ""), caller(apiUrl, "mck_secret", "anonymousApi")])
      const withToken = await caller(apiUrl, "mck_secret")
      for (const call of calls) {
        const isSecret = secret.includes(call.name)
        for (const ends of withoutToken) {
          const { isRefused, sent } = await ends(call)
          expect([call.name, isRefused]).toStrictEqual([call.name, isSecret])
          if (isSecret) expect(sent, call.name).toBe(0)
          plain += sent
        }
        expect((await withToken(call)).sent, call.name).toBe(0)
      }
    }
    for (const apiUrl of ["https://cloud.example.com", "http://127.0.0.1:1"]) {
      const ends = await caller(apiUrl, "mck_secret")
      for (const call of calls) {
        const { isRefused, sent } = await ends(call)
        expect([call.name, isRefused]).toStrictEqual([call.name, false])
        encrypted += sent
      }
    }
    // Some generated values can't be encoded, so those calls aren't sent.
    expect(plain).toBeGreaterThan(4 * 40)
    expect(encrypted).toBeGreaterThan(2 * 50)
  })

  it("are sent if the operator has declared the network as their own", async () => {
    process.env.MAXCLOUD_INSECURE = "1"
    const ends = await caller("http://cloud.example.com", "")
    for (const call of calls.filter((call) => secret.includes(call.name))) {
      expect([call.name, await ends(call)]).toStrictEqual([call.name, { sent: 1, isRefused: false }])
    }
  })

  it("are refused in every way that the client can send them", async () => {
    const asked: Array<string> = []
    const fetch: typeof globalThis.fetch = async (input) => {
      asked.push(String(input))
      return new Response("{}", { status: 418 })
    }
    const client = createClient({ apiUrl: "http://cloud.example.com", token: "", fetch })
    const token = `planted${"0123456789".repeat(4)}`
    const ways = [
      client.secrets.set("shop", "KEY", "planted"),
      client.secrets.import("shop", { KEY: "planted" }),
      client.registries.login("ghcr.io", "ada", "planted"),
      client.auth.acceptInvite(token),
      client.auth.verify(token),
      client.auth.pollDevice(token)
    ]
    for (const outcome of await Promise.allSettled(ways)) {
      const error: unknown = outcome.status === "rejected" ? outcome.reason : undefined
      assert(error instanceof InsecureUrl)
      expect(String(error)).not.toContain("planted")
    }
    expect(asked).toStrictEqual([])
  })

  it("follow no redirect, not even to the same machine", async () => {
    const asked: Array<string | undefined> = []
    const target = createServer((request, response) => {
      asked.push(request.headers.authorization)
      response.end("{}")
    })
    const listen = (server: Server) =>
      new Promise<string>((resolve) =>
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          resolve(`http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`)
        })
      )
    const elsewhere = await listen(target)
    const redirecting = createServer((request, response) =>
      response.writeHead(307, { location: `${elsewhere}${request.url}` }).end()
    )
    const apiUrl = await listen(redirecting)
    try {
      const client = createClient({ apiUrl, token: "mck_secret" })
      const outcomes = await Promise.allSettled([
        client.auth.status(),
        client.secrets.set("shop", "KEY", "planted"),
        client.audit.export()[Symbol.asyncIterator]().next()
      ])
      expect(outcomes.map((outcome) => outcome.status)).toStrictEqual(["rejected", "rejected", "rejected"])
      expect(asked).toStrictEqual([])
    } finally {
      target.close()
      redirecting.close()
    }
  })
})
