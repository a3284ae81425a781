import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { makeSmtp } from "./smtp.ts"
import { makeCertificate, smtpSink } from "./testSmtp.ts"

const certificate = makeCertificate()
const ca = certificate.cert
const from = "max-cloud <cloud@example.com>"
const message = {
  to: "ada@example.org",
  subject: "Sign in — ß",
  text: "Your code:\n\nhttp://localhost/auth?code=a=b\n"
}
const smtp = (url: string, rest: { readonly ca?: string } = {}) =>
  makeSmtp({ from, url: Redacted.make(url), timeoutMs: 3_000, ...rest })

describe("SMTP", () => {
  it.live("sends over STARTTLS with a login", () =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(certificate, { tls: "starttls", login: { user: "max", password: "p@ss:/word" } })
      const url = `smtp://max:p%40ss%3A%2Fword@127.0.0.1:${sink.port}?tls=required`
      yield* smtp(url, { ca }).send(message, "mail_1")
      const [mail] = sink.taken
      assert.strictEqual(mail?.from, "cloud@example.com")
      assert.deepStrictEqual(mail?.to, ["ada@example.org"])
      assert.isTrue(mail?.secure)
      assert.strictEqual(mail?.user, "max")
      assert.match(mail?.raw ?? "", /^Message-ID: <mail_1@example\.com>\r$/m)
      assert.match(mail?.raw ?? "", /^Auto-Submitted: auto-generated\r$/m)
      assert.match(mail?.raw ?? "", /code=3Da=3Db|code=a=b/)
    }).pipe(Effect.scoped)
  )

  it.live("sends over TLS from the start", () =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(certificate, { tls: "implicit" })
      yield* smtp(`smtps://127.0.0.1:${sink.port}`, { ca }).send(message, "mail_1")
      assert.isTrue(sink.taken[0]?.secure)
    }).pipe(Effect.scoped)
  )

  it.live("to loopback without TLS, where there is none", () =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(certificate)
      yield* smtp(`smtp://127.0.0.1:${sink.port}`).send(message, "mail_1")
      assert.isFalse(sink.taken[0]?.secure)
    }).pipe(Effect.scoped)
  )

  it.live.each([
    ["a server without STARTTLS", { tls: "none" }, "smtp", "?tls=required", ca],
    ["a certificate that nobody vouches for, after STARTTLS", { tls: "starttls" }, "smtp", "?tls=required", undefined],
    ["a certificate that nobody vouches for, from the start", { tls: "implicit" }, "smtps", "", undefined]
  ] as const)("does not send to %s", ([, options, scheme, query, trusted]) =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(certificate, options)
      const transport = smtp(`${scheme}://127.0.0.1:${sink.port}${query}`, trusted === undefined ? {} : { ca: trusted })
      const error = yield* Effect.flip(transport.send(message, "mail_1"))
      assert.isFalse(error.final)
      assert.lengthOf(sink.taken, 0)
    }).pipe(Effect.scoped)
  )

  it.live("sends one mail to one address, whatever stands in it", () =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(certificate)
      const to = "ada@example.org, eve@example.net\r\nBcc: eve@example.net"
      yield* Effect.either(smtp(`smtp://127.0.0.1:${sink.port}`).send({ ...message, to }, "mail_1"))
      assert.isFalse(sink.taken.some((_) => _.to.includes("eve@example.net")))
      assert.isFalse(sink.taken.some((_) => /^Bcc:/im.test(_.raw)))
    }).pipe(Effect.scoped)
  )

  it.live.each([
    ["4xx to the recipient", 451, false],
    ["5xx to the recipient", 550, true]
  ] as const)("%s is final: %s", ([, status, final]) =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(certificate, { refuse: () => status })
      const error = yield* Effect.flip(smtp(`smtp://127.0.0.1:${sink.port}`).send(message, "mail_1"))
      assert.strictEqual(error.final, final)
      assert.match(error.message, new RegExp(`answered ${status} to RCPT TO`))
      assert.notInclude(JSON.stringify(error) + error.message, "ada@")
    }).pipe(Effect.scoped)
  )

  it.live("a wrong password is no fault of the mail", () =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(certificate, { tls: "starttls", login: { user: "max", password: "right" } })
      const url = `smtp://max:wrong-one@127.0.0.1:${sink.port}?tls=required`
      const error = yield* Effect.flip(smtp(url, { ca }).send(message, "mail_1"))
      assert.isFalse(error.final)
      assert.match(error.message, /535/)
      assert.notInclude(error.message, "wrong-one")
    }).pipe(Effect.scoped)
  )

  it.live("nobody there: tried again", () =>
    Effect.gen(function* () {
      const { port } = yield* Effect.scoped(smtpSink(certificate))
      const error = yield* Effect.flip(smtp(`smtp://127.0.0.1:${port}`).send(message, "mail_1"))
      assert.isFalse(error.final)
      assert.match(error.message, /not reached/)
    })
  )
})
