import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { fakeServer, json, problem } from "../../test/fakeServer.ts"
import { TooManyRequests, Unauthenticated } from "../api/index.ts"
import { createClient, type MaxCloudError } from "../index.ts"
import { isSafeForTokens } from "../transport/serverUrl.ts"

const failureOf = (promise: Promise<unknown>): Promise<MaxCloudError> =>
  promise.then(
    () => expect.unreachable("it did not fail"),
    (error: MaxCloudError) => error
  )

const collect = async <A>(all: AsyncIterable<A>): Promise<ReadonlyArray<A>> => {
  const collected: Array<A> = []
  for await (const one of all) collected.push(one)
  return collected
}

const now = "2026-01-01T00:00:00.000Z"
const user = { id: `usr_${"1".repeat(32)}`, email: "ada@example.com", verified: true }
const grant = { token: "mcs_secret", expiresAt: now, organization: "acme", role: "owner", user }
const status = {
  organization: "acme",
  role: "owner",
  credential: { type: "key", id: null, name: "CI", scopes: null, expiresAt: null },
  user: null,
  organizations: []
}
const keyId = `key_${"2".repeat(32)}`
const apiKey = {
  id: keyId,
  name: "CI",
  prefix: "mck_abc",
  role: "deployer",
  scopes: ["deploy:shop/production"],
  createdAt: now,
  createdBy: null,
  lastUsedAt: null,
  expiresAt: null,
  replacedBy: null,
  createdWith: null
}

let savedKey: string | undefined
beforeEach(() => {
  savedKey = process.env.MAXCLOUD_API_KEY
  delete process.env.MAXCLOUD_API_KEY
})
afterEach(() => {
  delete process.env.MAXCLOUD_API_KEY
  delete process.env.MAXCLOUD_INSECURE
  if (savedKey !== undefined) process.env.MAXCLOUD_API_KEY = savedKey
})

describe("the token (against canned answers of the contract)", () => {
  it("is the option, else MAXCLOUD_API_KEY; an empty one means none", async () => {
    await using server = await fakeServer({ "GET /api/v1/auth/status": (_, response) => json(response, 200, status) })
    process.env.MAXCLOUD_API_KEY = "mck_env\n"
    await createClient({ apiUrl: server.url }).auth.status()
    await createClient({ apiUrl: server.url, token: "mck_given" }).auth.status()
    await createClient({ apiUrl: server.url, token: "" }).auth.status()
    expect(server.received.map((each) => each.headers.authorization)).toStrictEqual([
      "Bearer mck_env",
      "Bearer mck_given",
      undefined
    ])
  })

  it("is requested before each request if it is a function", async () => {
    await using server = await fakeServer({
      "GET /api/v1/auth/status": (_, response) => json(response, 200, status),
      "GET /api/v1/audit/export": (_, response) =>
        response.writeHead(200, { "content-type": "application/x-ndjson" }).end("{}\n")
    })
    let asked = 0
    const client = createClient({ apiUrl: server.url, token: async () => `t${++asked}` })
    await client.auth.status()
    await collect(client.audit.export())
    expect(server.received.map((each) => each.headers.authorization)).toStrictEqual(["Bearer t1", "Bearer t2"])
    const broken = createClient({ apiUrl: server.url, token: () => Promise.reject(new Error("no token")) })
    expect((await failureOf(broken.auth.status()))._tag).toBe("NotReachable")
  })

  it("isn't sent when requesting another one", async () => {
    await using server = await fakeServer({
      "POST /api/v1/auth/register": (_, response) => json(response, 201, grant)
    })
    const client = createClient({ apiUrl: server.url, token: "stale" })
    const session = await client.auth.register({ email: " Ada@Example.com", organization: "acme" })
    expect("token" in session ? session.token : session.state).toBe("mcs_secret")
    expect(server.received[0]?.headers.authorization).toBe(undefined)
    expect(JSON.parse(String(server.received[0]?.body))).toStrictEqual({
      email: "ada@example.com",
      organization: "acme"
    })
  })

  it("isn't part of the response to a registration by mail", async () => {
    const mailed = { state: "mailed", email: "ada@example.com" } as const
    await using server = await fakeServer({
      "POST /api/v1/auth/register": (_, response) => json(response, 202, mailed)
    })
    const client = createClient({ apiUrl: server.url })
    expect(await client.auth.register({ email: "ada@example.com", organization: "acme" })).toStrictEqual(mailed)
  })

  it("never goes unencrypted to another machine", async () => {
    const asked: Array<string> = []
    const fetch: typeof globalThis.fetch = async (input) => {
      asked.push(String(input))
      return Response.json(status)
    }
    const apiUrl = "http://cloud.example.com"
    const client = createClient({ apiUrl, token: "mck_secret", fetch })
    const error = await failureOf(client.auth.status())
    expect(error._tag).toBe("InsecureUrl")
    expect(error.message).not.toContain("mck_secret")
    const stream = await failureOf(collect(client.audit.export()))
    const key = await failureOf(createClient({ apiUrl, fetch }).auth.acceptInvite("invite-token"))
    expect([stream._tag, key._tag]).toStrictEqual(["InsecureUrl", "InsecureUrl"])
    expect(asked).toStrictEqual([])
    await createClient({ apiUrl, fetch }).auth.status()
    await createClient({ apiUrl: "https://cloud.example.com", token: "mck_secret", fetch }).auth.status()
    process.env.MAXCLOUD_INSECURE = "1"
    await client.auth.status()
    expect(asked.length).toBe(3)
  })

  it("may go to loopback, in any spelling", () => {
    const safe = [
      "http://localhost:8080",
      "http://api.localhost",
      "http://127.0.0.1:1",
      "http://127.8.0.1",
      "http://[::1]"
    ]
    const unsafe = ["http://10.0.0.1", "http://127.0.0.1.example.com", "http://localhost.example.com", "http://[::2]"]
    expect([safe.map(isSafeForTokens), unsafe.map(isSafeForTokens)]).toStrictEqual([
      safe.map(() => true),
      unsafe.map(() => false)
    ])
  })

  it("isn't quoted in the error if it is wrong", async () => {
    const error = await failureOf(createClient({ apiUrl: "http://127.0.0.1:1" }).auth.verify("shh"))
    expect(error._tag).toBe("InvalidRequest")
    expect(JSON.stringify(error)).not.toContain("shh")
  })
})

describe("a rate limit (against canned answers of the contract)", () => {
  const limited = (seconds: number, times: number) => {
    let left = times
    return fakeServer({
      "GET /api/v1/auth/status": (_, response) =>
        left-- > 0
          ? problem(response, new TooManyRequests({ detail: "too many", retryAfterSeconds: seconds }))
          : json(response, 200, status)
    })
  }

  it("is waited for if it is over soon", async () => {
    await using server = await limited(0, 3)
    expect((await createClient({ apiUrl: server.url }).auth.status()).organization).toBe("acme")
    expect(server.received.length).toBe(4)
  })

  it("fails after three retries, and immediately if it takes long", async () => {
    await using server = await limited(0, 9)
    await using long = await limited(11, 9)
    const [first, second] = await Promise.all(
      [server, long].map((each) => failureOf(createClient({ apiUrl: each.url }).auth.status()))
    )
    expect([first?._tag, second?._tag]).toStrictEqual(["TooManyRequests", "TooManyRequests"])
    expect([server.received.length, long.received.length]).toStrictEqual([4, 1])
  })
})

describe("people (against canned answers of the contract)", () => {
  it("returns a key's secret once, as text", async () => {
    await using server = await fakeServer({
      "POST /api/v1/auth/api-keys": (_, response) => json(response, 201, { apiKey, secret: "mck_abc_secret" }),
      [`POST /api/v1/auth/api-keys/${keyId}/rotate`]: (_, response) =>
        json(response, 201, { apiKey, secret: "mck_abc_other" })
    })
    const { auth } = createClient({ apiUrl: server.url, token: "t" })
    const made = await auth.apiKeys.create({ name: "CI", scopes: ["deploy:shop/production"], expiresInSeconds: 3600 })
    expect(made.secret).toBe("mck_abc_secret")
    expect((await auth.apiKeys.rotate(keyId, { overlapSeconds: 0 })).secret).toBe("mck_abc_other")
    expect(JSON.parse(String(server.received[1]?.body))).toStrictEqual({ overlapSeconds: 0 })
    const error = await failureOf(auth.apiKeys.create({ name: "CI", scopes: ["deploy:everything"] }))
    expect(error.message).toContain("isn't a valid scope")
    expect(server.received.length).toBe(2)
  })

  it("reads an export line by line, and doesn't accept a truncated one as complete", async () => {
    let whole = true
    await using server = await fakeServer({
      "GET /api/v1/organization/export": (_, response) => {
        response.writeHead(200, { "content-type": "application/x-ndjson" })
        response.write('{"a":"ü"}\n{"b"')
        if (whole) response.end(":2}\n")
        else setTimeout(() => response.destroy(), 10)
      },
      "GET /api/v1/audit/export": (_, response) => problem(response, new Unauthenticated({ detail: "who?" }))
    })
    const client = createClient({ apiUrl: server.url, token: "t" })
    expect(await collect(client.organization.export())).toStrictEqual(['{"a":"ü"}', '{"b":2}'])
    whole = false
    const broken = await failureOf(collect(client.organization.export()))
    expect(broken._tag).toBe("NotReachable")
    const refused = await failureOf(collect(client.audit.export()))
    expect(refused._tag).toBe("Unauthenticated")
  })
})
