import { createServer, type IncomingHttpHeaders } from "node:http"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { makeResend } from "./resend.ts"

interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Answers like Resend's API, and records requests. */
const resendApi = (answer: (nth: number) => Answer | "nothing") =>
  Effect.gen(function* () {
    const asked: Array<{ method?: string; url?: string; headers: IncomingHttpHeaders; body: string }> = []
    const server = createServer((request, response) => {
      let body = ""
      request.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk
      })
      request.on("end", () => {
        const { headers, method = "", url = "" } = request
        asked.push({ method, url, headers, body })
        const given = answer(asked.length)
        if (given === "nothing") return
        response.writeHead(given.status, { "content-type": "application/json", ...given.headers })
        response.end(JSON.stringify(given.body ?? {}))
      })
    })
    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.async<void>((resume) => {
          server.closeAllConnections()
          server.close(() => resume(Effect.void))
        })
    )
    const address = server.address()
    return { url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`, asked }
  })

const message = { to: "ada@example.org", subject: "Hello", text: "Line one\nhttps://x.test/?a=b&c\n" }
const resend = (url: string, timeoutMs = 3_000) =>
  makeResend({ from: "max-cloud <cloud@example.com>", apiKey: Redacted.make("re_123"), url, timeoutMs })

describe("Resend", () => {
  it.live("gets requests as its documentation says", () =>
    Effect.gen(function* () {
      const api = yield* resendApi(() => ({ status: 200, body: { id: "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794" } }))
      yield* resend(api.url).send(message, "mail_7")
      const [request] = api.asked
      expect(request?.method).toBe("POST")
      expect(request?.url).toBe("/emails")
      expect(request?.headers.authorization).toBe("Bearer re_123")
      expect(request?.headers["content-type"]).toBe("application/json")
      expect(request?.headers["idempotency-key"]).toBe("mail_7")
      expect(JSON.parse(request?.body ?? "")).toStrictEqual({
        from: "max-cloud <cloud@example.com>",
        to: ["ada@example.org"],
        subject: "Hello",
        text: message.text
      })
    }).pipe(Effect.scoped)
  )

  it.live.each([
    [422, "validation_error", true],
    [400, "validation_error", true],
    [404, "not_found", true],
    [401, "missing_api_key", false],
    [403, "invalid_api_key", false],
    [409, "concurrent_idempotent_requests", false],
    [500, "application_error", false],
    [503, "application_error", false]
  ] as const)("%d %s is final: %s", ([status, name, final]) =>
    Effect.gen(function* () {
      const body = { statusCode: status, name, message: "Invalid `to` field: ada@example.org" }
      const api = yield* resendApi(() => ({ status, body }))
      const error = yield* Effect.flip(resend(api.url).send(message, "mail_7"))
      expect(error.final).toBe(final)
      expect(error.message).toContain(`${status} (${name})`)
      expect(JSON.stringify(error) + error.message).not.toContain("ada@")
    }).pipe(Effect.scoped)
  )

  it.live("429 says when to retry", () =>
    Effect.gen(function* () {
      const api = yield* resendApi(() => ({
        status: 429,
        body: { name: "rate_limit_exceeded" },
        headers: { "retry-after": "17" }
      }))
      const error = yield* Effect.flip(resend(api.url).send(message, "mail_7"))
      expect(error.final).toBe(false)
      expect(error.retryAfterMs).toBe(17_000)
    }).pipe(Effect.scoped)
  )

  it.live("its API key isn't sent to a redirect's target", () =>
    Effect.gen(function* () {
      const other = yield* resendApi(() => ({ status: 200 }))
      const api = yield* resendApi(() => ({ status: 307, headers: { location: `${other.url}/emails` } }))
      const error = yield* Effect.flip(resend(api.url).send(message, "mail_7"))
      expect(error.final).toBe(false)
      expect(other.asked).toHaveLength(0)
    }).pipe(Effect.scoped)
  )

  it.live("an answer that never comes isn't waited for", () =>
    Effect.gen(function* () {
      const api = yield* resendApi(() => "nothing")
      const error = yield* Effect.flip(resend(api.url, 100).send(message, "mail_7"))
      expect(error.final).toBe(false)
      expect(error.message).toMatch(/didn't answer in time/)
    }).pipe(Effect.scoped)
  )
})
