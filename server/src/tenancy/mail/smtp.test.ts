import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { readMail } from "../../../test/mail/readMail.ts"
import { makeCertificate, smtpSink } from "../../../test/mail/testSmtp.ts"
import { makeSmtp } from "./smtp.ts"

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
      expect(mail?.from).toBe("cloud@example.com")
      expect(mail?.to).toStrictEqual(["ada@example.org"])
      expect(mail?.secure).toBe(true)
      expect(mail?.user).toBe("max")
      expect(mail?.raw ?? "").toMatch(/^Message-ID: <mail_1@example\.com>\r$/m)
      expect(mail?.raw ?? "").toMatch(/^Auto-Submitted: auto-generated\r$/m)
      expect(mail?.raw ?? "").toMatch(/code=3Da=3Db|code=a=b/)
    }).pipe(Effect.scoped)
  )

  it.live("sends over TLS from the start", () =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(certificate, { tls: "implicit" })
      yield* smtp(`smtps://127.0.0.1:${sink.port}`, { ca }).send(message, "mail_1")
      expect(sink.taken[0]?.secure).toBe(true)
    }).pipe(Effect.scoped)
  )

  it.live("to loopback without TLS, if there is none", () =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(certificate)
      yield* smtp(`smtp://127.0.0.1:${sink.port}`).send(message, "mail_1")
      expect(sink.taken[0]?.secure).toBe(false)
    }).pipe(Effect.scoped)
  )

  it.live.each([
    ["a server without STARTTLS", { tls: "none" }, "smtp", "?tls=required", ca],
    ["an untrusted certificate, after STARTTLS", { tls: "starttls" }, "smtp", "?tls=required", undefined],
    ["an untrusted certificate, from the start", { tls: "implicit" }, "smtps", "", undefined]
  ] as const)("doesn't send to %s", ([, options, scheme, query, trusted]) =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(certificate, options)
      const transport = smtp(`${scheme}://127.0.0.1:${sink.port}${query}`, trusted === undefined ? {} : { ca: trusted })
      const error = yield* Effect.flip(transport.send(message, "mail_1"))
      expect(error.final).toBe(false)
      expect(sink.taken).toHaveLength(0)
    }).pipe(Effect.scoped)
  )

  it.live("sends one mail to one address, whatever the address contains", () =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(certificate)
      const to = "ada@example.org, eve@example.net\r\nBcc: eve@example.net"
      yield* Effect.either(smtp(`smtp://127.0.0.1:${sink.port}`).send({ ...message, to }, "mail_1"))
      expect(sink.taken.some((each) => each.to.includes("eve@example.net"))).toBe(false)
      expect(sink.taken.some((each) => /^Bcc:/im.test(each.raw))).toBe(false)
    }).pipe(Effect.scoped)
  )

  it.live("states its time and sender, that it's automatic, and keeps non-ASCII text", () =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(certificate)
      const mail = {
        ...message,
        subject:
          "Bestätigen Sie „Zäune & Söhne“ — ein Betreff, der länger ist als eine Zeile von Kopfzeilen lang sein soll",
        text: "Grüße, 日本語 😀\n\n.\nhttps://localhost/auth/verify?token=a=b\n"
      }
      const from = "Wölkchen für Ada <cloud@example.com>"
      yield* makeSmtp({ from, url: Redacted.make(`smtp://127.0.0.1:${sink.port}`) }).send(mail, "mail_1")
      const raw = sink.taken[0]?.raw ?? expect.unreachable("no mail")
      expect(raw.slice(0, raw.indexOf("\r\n\r\n"))).toMatch(/^[\r\n\t -~]+$/)
      expect(raw.split("\r\n").every((each) => each.length <= 998)).toBe(true)
      const { headers, text } = readMail(raw)
      expect(headers.get("subject")).toBe(mail.subject)
      expect(headers.get("from")).toBe(from)
      expect(headers.get("to")).toBe(message.to)
      expect(text.trimEnd()).toBe(mail.text.trimEnd())
      expect(headers.get("auto-submitted")).toBe("auto-generated")
      expect(headers.get("message-id")).toBe("<mail_1@example.com>")
      expect(headers.get("content-type") ?? "").toMatch(/^text\/plain; charset=utf-8$/i)
      expect(headers.get("mime-version")).toBe("1.0")
      expect(Math.abs(Date.parse(headers.get("date") ?? "") - Date.now())).toBeLessThanOrEqual(60_000)
    }).pipe(Effect.scoped)
  )

  it.live("has only its own header fields, whatever the subject contains", () =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(certificate)
      for (const newline of ["\r\n", "\n", "\r", "\u2028"]) {
        const subject = `acme${newline}Bcc: eve@example.net${newline}${newline}Hello`
        yield* Effect.either(smtp(`smtp://127.0.0.1:${sink.port}`).send({ ...message, subject }, "mail_1"))
      }
      expect(
        sink.taken.every((each) => !each.to.includes("eve@example.net") && !readMail(each.raw).headers.has("bcc"))
      ).toBe(true)
      expect(sink.taken.every((each) => readMail(each.raw).text.includes("Your code"))).toBe(true)
    }).pipe(Effect.scoped)
  )

  it.live.each([
    ["4xx to the recipient", 451, false],
    ["5xx to the recipient", 550, true]
  ] as const)("%s is final: %s", ([, status, final]) =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(certificate, { refuse: () => status })
      const error = yield* Effect.flip(smtp(`smtp://127.0.0.1:${sink.port}`).send(message, "mail_1"))
      expect(error.final).toBe(final)
      expect(error.message).toMatch(new RegExp(`answered ${status} to RCPT TO`))
      expect(JSON.stringify(error) + error.message).not.toContain("ada@")
    }).pipe(Effect.scoped)
  )

  it.live("a wrong password isn't the mail's fault", () =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(certificate, { tls: "starttls", login: { user: "max", password: "right" } })
      const url = `smtp://max:wrong-one@127.0.0.1:${sink.port}?tls=required`
      const error = yield* Effect.flip(smtp(url, { ca }).send(message, "mail_1"))
      expect(error.final).toBe(false)
      expect(error.message).toMatch(/535/)
      expect(error.message).not.toContain("wrong-one")
    }).pipe(Effect.scoped)
  )

  it.live("an absent server gets a retry", () =>
    Effect.gen(function* () {
      const { port } = yield* Effect.scoped(smtpSink(certificate))
      const error = yield* Effect.flip(smtp(`smtp://127.0.0.1:${port}`).send(message, "mail_1"))
      expect(error.final).toBe(false)
      expect(error.message).toMatch(/couldn't be reached/)
    })
  )
})
