import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { request } from "node:http"
import { connect } from "node:net"
import { Headers } from "@effect/platform"
import { describe, expect, it } from "@effect/vitest"
import { operations, TooManyRequests, Unauthenticated } from "@maxcloud/sdk/api"
import { Effect, FastCheck, Redacted } from "effect"
import { emptyServices, testApi, testLocalToken } from "../../../../test/api/testApi.ts"
import type { Happening } from "../../../tenancy/audit/Audit.ts"
import { newToken } from "../../../tenancy/identity/tokens.ts"
import { page } from "../../http/routeTable.ts"
import { type LocalOwner, makeLocalOwner } from "../../local/LocalOwner.ts"
import { checkCaller } from "./guard.ts"

/** Acting as another user needs root, and only Linux reveals the peer's user. */
const asNobody = process.platform === "linux" && process.getuid?.() === 0
const nobody = 65_533

interface Answer {
  readonly status: number
  readonly body: string
}

const send = (url: string, headers: Record<string, string> = {}, method = "GET", body?: string) =>
  Effect.async<Answer, Error>((resume) => {
    const sent = request(url, { method, headers }, async (response) => {
      let text = ""
      for await (const chunk of response.setEncoding("utf8")) text += chunk
      resume(Effect.succeed({ status: response.statusCode ?? 0, body: text }))
    })
    sent.on("error", (error) => resume(Effect.fail(error)))
    sent.end(body)
  })

/**
 * The answer that another user gets to these bytes. Uses the shell's own sockets, because that user may not be able to run our
 * programs.
 */
const sendAsNobody = (url: string, bytes: string) =>
  Effect.async<string, Error>((resume) => {
    const child = spawn(
      "bash",
      ["-c", `exec 3<>/dev/tcp/127.0.0.1/${new URL(url).port}; printf '%s' "$BYTES" >&3; cat <&3`],
      {
        uid: nobody,
        gid: nobody,
        cwd: "/",
        env: { PATH: "/usr/bin:/bin", BYTES: bytes }
      }
    )
    let text = ""
    child.stdout.setEncoding("latin1").on("data", (chunk) => {
      text += chunk
    })
    child.on("error", (error) => resume(Effect.fail(error)))
    child.on("close", () => resume(Effect.succeed(text)))
  })

const stranger: LocalOwner = { isToken: () => false, opened: () => Effect.succeed(false) }
const bearer = { authorization: `Bearer ${Redacted.value(testLocalToken)}` }
const dies = Effect.dieMessage("a refused request reached the handler")
const closed = {
  services: { ...emptyServices, page: () => dies },
  accounts: { register: () => dies },
  devices: { start: () => dies }
}

const register = JSON.stringify({ email: "eve@example.com", organization: "eve" })
const json = { "content-type": "application/json" }

describe("a server in local mode, and web pages", () => {
  it.scopedLive.each([
    ["a key that nobody has", { authorization: "Bearer x" }],
    ["the server's own token", bearer],
    ["a password", { authorization: "Basic eDp5" }],
    ["no credential", {}]
  ] as ReadonlyArray<readonly [string, Record<string, string>]>)(
    "refuses a foreign Host or Origin with any credential: %s",
    ([, credential]) =>
      Effect.gen(function* () {
        const { url } = yield* testApi(closed)
        const foreign: ReadonlyArray<Record<string, string>> = [
          { host: "evil.com", origin: "http://evil.com" },
          { host: "evil.com" },
          { origin: "http://evil.com" },
          { "sec-fetch-site": "cross-site" }
        ]
        for (const headers of foreign) {
          const all = { ...credential, ...headers }
          const post = { ...all, ...json }
          const answers = [
            yield* send(`${url}/api/v1/services`, all),
            yield* send(`${url}/api/v1/auth/register`, post, "POST", register),
            yield* send(`${url}/api/v1/auth/device`, post, "POST", "{}"),
            yield* send(`${url}/healthz`, all),
            yield* send(`${url}/nothing/there`, all)
          ]
          for (const path of Object.values(page)) answers.push(yield* send(`${url}${path}`, all))
          expect([...new Set(answers.map((answer) => answer.status))], JSON.stringify(all)).toStrictEqual([403])
        }
      })
  )

  it.scopedLive("writes an audit entry for each refusal, up to a rate", () =>
    Effect.gen(function* () {
      const entries: Array<Happening> = []
      let left = 3
      const { url } = yield* testApi({
        audit: { append: (entry) => Effect.sync(() => void entries.push(entry)) },
        rateLimits: {
          take: (limit) =>
            Effect.suspend(() =>
              limit.name === "foreign-caller" && left-- <= 0
                ? Effect.fail(new TooManyRequests({ detail: "", retryAfterSeconds: 1, limit }))
                : Effect.succeed({ limit, remaining: 1, resetSeconds: 0 })
            )
        }
      })
      for (const path of ["/api/v1/services", "/", "/nothing"]) yield* send(`${url}${path}`, { host: "evil.com" })
      for (let times = 0; times < 5; times++) {
        expect((yield* send(`${url}/api/v1/services`, { host: "evil.com" })).status).toBe(403)
      }
      expect(entries.map(({ action, outcome, status, subject }) => [action, outcome, status, subject])).toStrictEqual([
        ["services.list", "refused", 403, "services"],
        ["page.landing", "refused", 403, "/"],
        ["page.none", "refused", 403, "/nothing"]
      ])
    })
  )
})

describe("the actions of refused requests for pages", () => {
  it("are all listed in docs/audit.md", () => {
    const documented =
      readFileSync(new URL("../../../../../docs/audit.md", import.meta.url), "utf8").match(/`page\.\w+`/g) ?? []
    expect(documented.toSorted()).toStrictEqual(
      [...Object.keys(page), "none"].map((name) => `\`page.${name}\``).toSorted()
    )
  })
})

describe("a server in local mode, and proxies", () => {
  const fields = [
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Client-Cert",
    "X-Real-IP",
    "X-Client-IP",
    "X-Cluster-Client-Ip",
    "True-Client-IP",
    "CF-Connecting-IP",
    "CF-Ray",
    "CDN-Loop",
    "Fastly-Client-IP",
    "Fly-Client-IP",
    "X-Envoy-External-Address",
    "X-Original-URL",
    "X-Original-Forwarded-For",
    "X-ProxyUser-Ip",
    "X-Azure-ClientIP",
    "X-Amzn-Trace-Id",
    "Tailscale-User-Login",
    "Remote-Addr",
    "X-Remote-Addr",
    "WL-Proxy-Client-IP",
    "X-Appengine-User-Ip"
  ]

  it.scopedLive("refuses proxied requests on every path, with or without a credential", () =>
    Effect.gen(function* () {
      const { url } = yield* testApi(closed)
      for (const field of fields) {
        for (const path of ["/api/v1/services", "/healthz", "/metrics", "/"]) {
          const answer = yield* send(`${url}${path}`, { ...bearer, [field]: "203.0.113.7" })
          expect(answer.status, `${field} ${path}`).toBe(403)
          expect(answer.body).toContain("MAXCLOUD_AUTH=required")
        }
      }
    })
  )

  it.scopedLive("refuses HTTP/1.0, which nginx uses when it adds no header", () =>
    Effect.gen(function* () {
      const { url } = yield* testApi(closed)
      const { port } = new URL(url)
      const answer = yield* Effect.promise(
        () =>
          new Promise<string>((resolve) => {
            const socket = connect(Number(port), "127.0.0.1", () =>
              socket.write(`GET /api/v1/services HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`)
            )
            let text = ""
            socket.setEncoding("latin1").on("data", (chunk) => {
              text += chunk
            })
            socket.on("close", () => resolve(text))
          })
      )
      expect(answer).toMatch(/^HTTP\/1\.[01] 403 /)
    })
  )

  it.scopedLive("accepts the headers that ordinary programs add", () =>
    Effect.gen(function* () {
      const { url } = yield* testApi()
      for (const field of ["traceparent", "X-Request-Id", "X-My-App", "Idempotency-Key", "sentry-trace", "b3", "TE"]) {
        expect((yield* send(`${url}/api/v1/services`, { [field]: "trailers" })).status, field).toBe(200)
      }
    })
  )

  const name = FastCheck.stringMatching(/^[a-z0-9-]{0,12}$/)
  const field = FastCheck.oneof(
    FastCheck.tuple(name, FastCheck.constantFrom("forwarded"), name).map((each) => each.join("")),
    FastCheck.tuple(
      name,
      FastCheck.constantFrom("client", "real", "remote", "connecting"),
      FastCheck.constantFrom("-ip", "ip", "-addr", "_address")
    ).map((each) => each.join("")),
    FastCheck.tuple(
      FastCheck.constantFrom("cf-", "fastly-", "fly-", "x-envoy-", "x-original-", "ngrok-"),
      FastCheck.stringMatching(/^[a-z]{1,9}$/)
    ).map((each) => each.join(""))
  )
  it.prop(
    "are recognized by any header name of these kinds",
    [field],
    ([field]) => {
      const headers = Headers.fromInput({ host: "127.0.0.1:8080", [field]: "x" })
      const exit = Effect.runSyncExit(checkCaller({ headers, method: "GET", url: "/", httpVersion: "1.1" }))
      return exit._tag === "Failure"
    },
    { fastCheck: { numRuns: 2_000 } }
  )
})

describe("a server in local mode, and other users of the machine", () => {
  it.scopedLive("answers other users with 401 and a fix, in every operation but /healthz", () =>
    Effect.gen(function* () {
      const { url } = yield* testApi({ ...closed, owner: stranger, openMetrics: false })
      const { openApi } = yield* Effect.promise(() => import("../openapi/openApi.ts"))
      let asked = 0
      for (const [path, methods] of Object.entries(openApi().paths)) {
        for (const method of Object.keys(methods)) {
          const target = path.replace(/\{stage\}/g, "production").replace(/\{\w+\}/g, "web")
          const answer = yield* send(`${url}${target}`, json, method.toUpperCase(), method === "get" ? undefined : "{}")
          asked++
          if (path === "/healthz") expect(answer.status).toBe(200)
          else {
            expect(answer.status, `${method} ${path} ${answer.body}`).toBe(401)
            expect(answer.body).toContain("local-token")
            expect(JSON.parse(answer.body).localMode).toBe(true)
          }
        }
      }
      expect(asked).toBe(operations.length)
      for (const path of Object.values(page)) {
        const isPublic = path === page.docs || path === page.openapi || path.startsWith(page.problems)
        expect((yield* send(`${url}${path.replace(":problem", "not-found")}`)).status, path).toBe(isPublic ? 200 : 401)
      }
    })
  )

  it.scopedLive("accepts only its token if the connection doesn't reveal the user", () =>
    Effect.gen(function* () {
      const byToken = { isToken: makeLocalOwner(testLocalToken).isToken, opened: stranger.opened }
      const { url } = yield* testApi({
        owner: byToken,
        authenticator: { authenticate: () => Effect.fail(new Unauthenticated({ detail: "unknown" })) }
      })
      expect((yield* send(`${url}/api/v1/services`, bearer)).status).toBe(200)
      expect((yield* send(`${url}/`, bearer)).status).toBe(200)
      const wrong = `Bearer ${Redacted.value(newToken("local", "server00").token)}`
      expect((yield* send(`${url}/api/v1/services`, { authorization: wrong })).status).toBe(401)
    })
  )

  it.scopedLive.skipIf(!asNobody)("refuses other users' requests to deploy and register (needs root)", () =>
    Effect.gen(function* () {
      const { url } = yield* testApi({ ...closed, openMetrics: false })
      const head = `Host: ${new URL(url).host}\r\nConnection: close\r\n`
      const post = (path: string, body: string) =>
        `POST ${path} HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      for (const bytes of [
        `GET /api/v1/services HTTP/1.1\r\n${head}\r\n`,
        `GET / HTTP/1.1\r\n${head}\r\n`,
        `GET /metrics HTTP/1.1\r\n${head}\r\n`,
        post("/api/v1/services", `{"name":"web","image":"nginx"}`),
        post("/api/v1/auth/register", register),
        post("/api/v1/auth/register", register).replace(head, `${head}Authorization: Bearer x\r\n`)
      ]) {
        expect(yield* sendAsNobody(url, bytes), bytes).toMatch(/^HTTP\/1\.1 401 [\s\S]*local-token/)
      }
    })
  )
})
