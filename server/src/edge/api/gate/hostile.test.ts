import { request } from "node:http"
import { connect } from "node:net"
import { assert, describe, expect, it } from "@effect/vitest"
import { ApiError, ProblemError } from "@maxcloud/sdk/api"
import { codeOf } from "@maxcloud/sdk/errors"
import { Effect, Schema } from "effect"
import { testApi } from "../../../../test/api/testApi.ts"

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: string
}

const send = (
  url: string,
  options: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string | Buffer } = {}
) =>
  Effect.async<Answer, Error>((resume) => {
    const sent = request(url, { method: options.method ?? "GET", headers: options.headers ?? {} }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("end", () =>
        resume(
          Effect.succeed({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString("utf8")
          })
        )
      )
    })
    sent.on("error", (error) => resume(Effect.fail(error)))
    sent.end(options.body)
  })

const raw = (url: string, bytes: string) =>
  Effect.async<string, Error>((resume) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(bytes))
    let text = ""
    socket.setEncoding("latin1").on("data", (chunk) => {
      text += chunk
    })
    socket.on("close", () => resume(Effect.succeed(text)))
    socket.on("error", (error) => resume(Effect.fail(error)))
  })

const json = { "content-type": "application/json" }
const post = (url: string, body: string | Buffer) =>
  send(`${url}/api/v1/services`, { method: "POST", headers: json, body })

const assertProblem = (answer: Answer, status: number, tag: string) => {
  expect(answer.status, answer.body.slice(0, 500)).toBe(status)
  expect(answer.headers["content-type"]).toBe("application/problem+json")
  assert(typeof answer.headers["x-request-id"] === "string")
  const problem: { readonly [key: string]: unknown } = JSON.parse(answer.body)
  expect(problem.code).toBe(codeOf(tag))
  expect(problem.status).toBe(status)
  expect(String(problem.type)).toMatch(/^\/problems\/[a-z-]+$/)
  expect(problem.detail).not.toHaveLength(0)
  // Clients receive it as a typed error.
  expect(Schema.decodeUnknownSync(ApiError)(problem)._tag).toBe(tag)
  return problem
}

const dies = Effect.dieMessage("a hostile request reached the handler")
const strict = testApi({ deployments: { createService: () => dies, accept: () => dies, plan: () => dies } })

describe("hostile input", () => {
  it.scopedLive.each([
    ["invalid JSON", "{", 400],
    ["an empty body", "", 400],
    ["null", "null", 400],
    ["an array", "[]", 400],
    ["a number", "7", 400],
    ["wrong types", `{"name":7,"image":{}}`, 400],
    ["a NUL in text", `{"name":"web","image":"nginx","env_vars":{"A":"\\u0000"}}`, 400],
    ["a NUL in a key", `{"name":"web","image":"nginx","env_vars":{"A\\u0000":"b"}}`, 400],
    ["half a surrogate pair", `{"name":"web","image":"nginx","env_vars":{"A":"\\ud800"}}`, 400],
    ["an unknown key", `{"name":"web","image":"nginx","enw":{"A":"b"}}`, 400],
    ["a port out of range", `{"name":"web","image":"nginx","port":70000}`, 400],
    ["a name too long", `{"name":"${"a".repeat(64)}","image":"nginx"}`, 400],
    ["100,000 levels", `${"[".repeat(100_000)}${"]".repeat(100_000)}`, 400]
  ] as const)("%s is answered with a problem document", ([, body, status]) =>
    Effect.gen(function* () {
      const { url } = yield* strict
      const problem = assertProblem(yield* post(url, body), status, "InvalidRequest")
      expect(Array.isArray(problem.errors)).toBe(true)
    })
  )

  it.scopedLive("bytes that aren't UTF-8, and a key that is there twice, are refused before they are stored", () =>
    Effect.gen(function* () {
      const { url } = yield* strict
      const secret = (body: Buffer | string, headers: Record<string, string> = json) =>
        send(`${url}/api/v1/apps/shop/stages/production/secrets/KEY`, { method: "PUT", headers, body })
      const latin1 = assertProblem(
        yield* secret(Buffer.from('{\n"value":"p\u00e4ssw\u00f6rd"}', "latin1")),
        400,
        "InvalidRequest"
      )
      expect(String(latin1.detail)).toContain("Line 2 isn't UTF-8.")
      assertProblem(yield* secret(Buffer.from('\ufeff{"value":"a"}', "utf16le")), 400, "InvalidRequest")
      const twice = assertProblem(
        yield* post(url, '{"name":"web","image":"nginx","env_vars":{"A":"1","\\u0041":"2"}}'),
        400,
        "InvalidRequest"
      )
      const [error] = Schema.decodeUnknownSync(Schema.Array(ProblemError))(twice.errors)
      expect(error).toMatchObject({ pointer: "/env_vars/A", detail: expect.stringContaining('key "A" twice') })
    })
  )

  it.scopedLive("JSON is UTF-8 and uncompressed, whatever else its header fields say", () =>
    Effect.gen(function* () {
      const { url } = yield* strict
      const sent = (headers: Record<string, string>) =>
        send(`${url}/api/v1/services`, { method: "POST", headers: { ...json, ...headers }, body: "\ufeff{}" })
      for (const type of ["iso-8859-1", '"utf-16"', "us-ascii", "", "utf-8; charset=latin1"]) {
        const headers = { "content-type": `application/json; charset=${type}` }
        expect((yield* sent(headers)).status, type).toBe(415)
      }
      for (const encoding of ["gzip", "br", "identity, gzip"])
        assertProblem(yield* sent({ "content-encoding": encoding }), 415, "UnsupportedMediaType")
      for (const headers of [
        { "content-type": "application/json; charset=UTF-8" },
        { "content-type": 'application/json;charset="utf-8"' },
        { "content-encoding": "identity" }
      ]) {
        // The empty object was read: the byte order mark doesn't count.
        const problem = assertProblem(yield* sent(headers), 400, "InvalidRequest")
        expect(String(problem.detail)).toContain("name")
      }
    })
  )

  it.scopedLive("a NUL anywhere in the URL is refused", () =>
    Effect.gen(function* () {
      const { url } = yield* strict
      for (const path of ["services?name=%00", "services/a%00", "audit?action=a%00b", "apps/%00/stages/dev/secrets"]) {
        assertProblem(yield* send(`${url}/api/v1/${path}`), 400, "InvalidRequest")
      }
    })
  )

  it.scopedLive("names the place of a wrong value", () =>
    Effect.gen(function* () {
      const { url } = yield* strict
      const problem = assertProblem(yield* post(url, `{"name":"web","image":"nginx","port":0}`), 400, "InvalidRequest")
      const [error] = Schema.decodeUnknownSync(Schema.Array(ProblemError))(problem.errors)
      expect(error).toMatchObject({ pointer: "/port", code: "invalid_value" })
      expect(error?.detail ?? "").toMatch(/1.*65,?535/)
      expect(String(problem.detail)).toMatch(/^port: /)
    })
  )

  it.scopedLive("bodies over 1 MiB are too large, with and without a declared length", () =>
    Effect.gen(function* () {
      const { url } = yield* strict
      const body = Buffer.alloc(10 * 1024 * 1024, "a")
      assertProblem(yield* post(url, body), 413, "PayloadTooLarge")
      const chunked = yield* send(`${url}/api/v1/services`, {
        method: "POST",
        headers: { ...json, "transfer-encoding": "chunked" },
        body
      })
      assertProblem(chunked, 413, "PayloadTooLarge")
    })
  )

  it.scopedLive.each(["register", "accept-invite", "verify", "device", "device/token"])(
    "auth/%s needs no credential, and accepts neither more than 16 KiB nor many values",
    (path) =>
      Effect.gen(function* () {
        const { url } = yield* strict
        const sent = (body: string) => send(`${url}/api/v1/auth/${path}`, { method: "POST", headers: json, body })
        assertProblem(yield* sent(`"${"a".repeat(16 * 1024)}"`), 413, "PayloadTooLarge")
        const many = assertProblem(yield* sent(`[${"{},".repeat(900)}{}]`), 400, "InvalidRequest")
        expect(String(many.detail)).toMatch(/more than 64 values/)
        const deep = assertProblem(yield* sent("[".repeat(100) + "]".repeat(100)), 400, "InvalidRequest")
        expect(String(deep.detail)).toMatch(/more than 8 levels/)
      })
  )

  it.scopedLive("a spec with more values than an app can have is refused before it is parsed", () =>
    Effect.gen(function* () {
      const { url } = yield* strict
      for (const operation of ["plan", "deployments"]) {
        const answer = yield* send(`${url}/api/v1/apps/shop/stages/production/${operation}`, {
          method: "POST",
          headers: json,
          body: `{"spec":[${`[${"1,".repeat(900)}1],`.repeat(50)}1]}`
        })
        const problem = assertProblem(answer, 400, "InvalidRequest")
        expect(String(problem.detail)).toMatch(/more than 40008 values/)
      }
    })
  )

  it.scopedLive("an endlessly nested spec is refused before it is parsed", () =>
    Effect.gen(function* () {
      const { url } = yield* strict
      const body = `{"spec":${`{"a":`.repeat(50_000)}1${"}".repeat(50_000)}}`
      const answer = yield* send(`${url}/api/v1/apps/shop/stages/production/deployments`, {
        method: "POST",
        headers: json,
        body
      })
      assertProblem(answer, 400, "InvalidRequest")
    })
  )

  it.scopedLive("unknown paths answer 404, and unsupported methods answer 405 with the supported ones", () =>
    Effect.gen(function* () {
      const { url } = yield* strict
      for (const path of ["/nope", "/api/v1", "/api/v1/services/%zz", "/%00", "/api/v1/services/a/b/c/d"]) {
        assertProblem(yield* send(`${url}${path}`), 404, "NotFound")
      }
      const answer = yield* send(`${url}/api/v1/services`, { method: "PATCH" })
      assertProblem(answer, 405, "MethodNotAllowed")
      expect(answer.headers.allow).toBe("GET, HEAD, POST")
      assertProblem(yield* send(`${url}/api/v1/services`, { method: "OPTIONS" }), 405, "MethodNotAllowed")
      assertProblem(yield* send(`${url}/healthz`, { method: "PROPFIND" }), 405, "MethodNotAllowed")
    })
  )

  it.scopedLive("unknown and impossible ids are the caller's mistake", () =>
    Effect.gen(function* () {
      const { url } = yield* strict
      assertProblem(yield* send(`${url}/api/v1/services/svc_${"0".repeat(32)}`), 404, "NotFound")
      for (const id of ["x", "%00", "..%2f..%2fetc%2fpasswd", "a".repeat(5000), "svc_'%3B--"]) {
        const { status } = yield* send(`${url}/api/v1/services/${id}`)
        expect([400, 404], id).toContain(status)
      }
      for (const query of [
        "tail=x",
        "tail=-1",
        "follow=perhaps",
        "since=yesterday",
        "since=2026-99-99Tx",
        "revision=../../x"
      ]) {
        assertProblem(yield* send(`${url}/api/v1/services/svc_${"0".repeat(32)}/logs?${query}`), 400, "InvalidRequest")
      }
    })
  )

  it.scopedLive("oversized headers and invalid HTTP are answered with a problem document", () =>
    Effect.gen(function* () {
      const { url } = yield* strict
      assertProblem(
        yield* send(`${url}/healthz`, { headers: { "x-large": "a".repeat(70_000) } }),
        431,
        "RequestHeaderFieldsTooLarge"
      )
      const answer = yield* raw(url, "\x16\x03\x01nonsense\r\n\r\n")
      expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\ncontent-type: application\/problem\+json/)
    })
  )

  it.scopedLive("no answer contains the value of a secret", () =>
    Effect.gen(function* () {
      const { url } = yield* strict
      for (const body of [
        `"hunter2`,
        `"hunter2"`,
        `{"value":{"a":"hunter2"}}`,
        `{"valeu":"hunter2"}`,
        `{"value":"hunter2${"x".repeat(70_000)}"}`
      ]) {
        const answer = yield* send(`${url}/api/v1/apps/shop/stages/production/secrets/KEY`, {
          method: "PUT",
          headers: json,
          body
        })
        assertProblem(answer, 400, "InvalidRequest")
        expect(answer.body).not.toContain("hunter2")
      }
    })
  )

  it.scopedLive("an internal error hides its cause, which is in the log", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const { url } = yield* testApi({
        services: { page: () => Effect.dieMessage("kaputt") },
        onLog: (line) => lines.push(line)
      })
      const answer = yield* send(`${url}/api/v1/services`, { headers: { "x-request-id": "my-request" } })
      const problem = assertProblem(answer, 500, "InternalError")
      expect(answer.body).not.toContain("kaputt")
      expect(problem.requestId).toBe("my-request")
      expect(answer.headers["x-request-id"]).toBe("my-request")
      expect(lines.some((line) => line.includes("kaputt") && line.includes("my-request"))).toBe(true)
    })
  )
})

describe("callers", () => {
  const refused = (
    headers: Record<string, string>,
    options: { readonly method?: string; readonly body?: string } = {}
  ) =>
    Effect.gen(function* () {
      const { url } = yield* strict
      assertProblem(yield* send(`${url}/api/v1/services`, { ...options, headers }), 403, "Forbidden")
    })

  it.scopedLive.each([
    ["a rebound name", { host: "evil.example:8080" }],
    ["a name that begins like localhost", { host: "localhost.evil.example" }],
    ["a service of this machine", { host: "web--local.localhost:8080" }],
    ["a foreign origin", { origin: "https://evil.example" }],
    ["a hidden origin", { origin: "null" }],
    ["another port of this machine", { host: "localhost:8080", origin: "http://localhost:3000" }],
    ["a service's page", { host: "localhost:8080", origin: "http://web--local.localhost:8080" }],
    [
      "an image in a foreign page",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" }
    ],
    [
      "a frame in a service's page",
      { "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" }
    ],
    [
      "a visit to a path that isn't a page",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }
    ]
  ] as ReadonlyArray<readonly [string, Record<string, string>]>)("refuses %s, for reads and writes", ([, headers]) =>
    Effect.gen(function* () {
      yield* refused(headers)
      yield* refused({ ...headers, ...json }, { method: "POST", body: `{"name":"web","image":"nginx"}` })
    })
  )

  it.scopedLive("accepts programs, its own pages, and visits to its pages from other sites", () =>
    Effect.gen(function* () {
      const { url } = yield* strict
      const { port } = new URL(url)
      const good: ReadonlyArray<Record<string, string>> = [
        {},
        { host: "localhost" },
        { host: `localhost:${port}`, origin: `http://localhost:${port}`, "sec-fetch-site": "same-origin" },
        { host: `[::1]:${port}` },
        { "sec-fetch-site": "none" }
      ]
      for (const headers of good) {
        expect((yield* send(`${url}/api/v1/services`, { headers })).status, JSON.stringify(headers)).toBe(200)
      }
      const visit = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }
      const answer = yield* send(`${url}/`, { headers: visit })
      expect(answer.status).toBe(200)
      expect(String(answer.headers["content-security-policy"])).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
      expect(answer.headers["x-content-type-options"]).toBe("nosniff")
      expect(answer.headers["access-control-allow-origin"]).toBeUndefined()
    })
  )

  it.scopedLive.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    undefined
  ] as const)("refuses a body with the content type %s, which browsers send cross-site without a preflight", (type) =>
    Effect.gen(function* () {
      const { url } = yield* strict
      const answer = yield* send(`${url}/api/v1/services`, {
        method: "POST",
        headers: type === undefined ? {} : { "content-type": type },
        body: `{"name":"web","image":"nginx"}`
      })
      assertProblem(answer, 415, "UnsupportedMediaType")
    })
  )
})

describe("a body that contains a secret", () => {
  const secret = "not-to-be-told"
  const inApp = "/api/v1/apps/shop/stages/production/secrets"
  it.scopedLive.each([
    ["PUT", `${inApp}/KEY`, [secret, [secret], { value: [secret] }, { value: { a: secret } }, { val: secret }]],
    [
      "POST",
      `${inApp}-import`,
      [
        secret,
        [{ name: "A", value: secret }],
        { secrets: secret },
        { secrets: { A: secret } },
        { secrets: [secret] },
        { secrets: [{ name: "A", value: [secret] }] },
        { secrets: [{ name: "A", value: "a" }, [secret]] }
      ]
    ],
    ["PUT", "/api/v1/registries/registry.example.com", [secret, [secret], { username: "ada", password: [secret] }]],
    ["POST", "/api/v1/auth/verify", [secret, [secret], { token: [secret] }]],
    ["POST", "/api/v1/auth/accept-invite", [secret, { token: { a: secret } }]],
    ["POST", "/api/v1/auth/device/token", [secret, { deviceCode: [secret] }]],
    [
      "POST",
      "/api/v1/auth/register",
      [secret, { email: "a@b.example", organization: "acme", bootstrapToken: [secret] }]
    ]
  ] as const)("%s %s: an invalid value isn't quoted", ([method, path, bodies]) =>
    Effect.gen(function* () {
      const { url } = yield* testApi()
      for (const body of bodies) {
        const answer = yield* send(`${url}${path}`, { method, headers: json, body: JSON.stringify(body) })
        assertProblem(answer, 400, "InvalidRequest")
        expect(answer.body, JSON.stringify(body)).not.toContain(secret)
      }
    })
  )
})
