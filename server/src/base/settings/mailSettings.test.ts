import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Effect, Either } from "effect"
import { mailRoute, mailSettings } from "./mailSettings.ts"
import { configOf } from "./setting.ts"

const read = (environment: Record<string, string>) =>
  Effect.runSync(
    Effect.either(
      Effect.withConfigProvider(configOf(mailSettings), ConfigProvider.fromMap(new Map(Object.entries(environment))))
    )
  )

const routeOf = (environment: Record<string, string>, development = false) =>
  mailRoute(Either.getOrThrow(read(environment)), development)

const from = { MAXCLOUD_MAIL_FROM: "max-cloud <cloud@example.com>" }
const smtp = { SMTP_URL: "smtps://max:hunter2@smtp.example.com:465" }

describe("the mail transport", () => {
  it.each([
    [{}, true, "log"],
    [{ MAXCLOUD_MAIL: "log" }, false, "log"],
    [{ MAXCLOUD_MAIL: "log", RESEND_API_KEY: "re_1" }, false, "log"],
    [{ RESEND_API_KEY: "re_1", ...from }, false, "resend"],
    [{ ...smtp, ...from }, true, "smtp"]
  ] as ReadonlyArray<readonly [Record<string, string>, boolean, string]>)(
    "%o, development: %s: %s",
    (set, dev, type) => {
      expect(Either.getOrThrow(routeOf(set, dev)).type).toBe(type)
    }
  )

  it.each([
    [{}, /RESEND_API_KEY.*SMTP_URL.*MAXCLOUD_MAIL=log/],
    [{ ...smtp, RESEND_API_KEY: "re_1", ...from }, /only one of RESEND_API_KEY and SMTP_URL/],
    [smtp, /SMTP_URL needs MAXCLOUD_MAIL_FROM/]
  ] as ReadonlyArray<readonly [Record<string, string>, RegExp]>)("%o is refused", (set, message) => {
    const refusal = Either.getOrThrow(Either.flip(routeOf(set)))
    expect(refusal).toMatch(message)
    expect(refusal).not.toContain("hunter2")
  })

  it.each(["hunter2", "http://max:hunter2@x", "smtp://max:hunter2@x?tls=no", "smtps://max:hunter2@x?tls=off"])(
    "an SMTP_URL such as %s is refused without being quoted",
    (url) => {
      const error = Either.getOrThrow(Either.flip(read({ SMTP_URL: url })))
      expect(String(error) + JSON.stringify(error)).not.toContain("hunter2")
    }
  )

  it.each(["cloud", "a@b\r\nBcc: c@d", "<a@b>, c@d", "a@b, c@d"])("%o isn't a valid sender", (sender) => {
    expect(Either.isLeft(read({ MAXCLOUD_MAIL_FROM: sender }))).toBe(true)
  })
})
