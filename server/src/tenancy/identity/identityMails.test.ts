import { describe, expect, it } from "@effect/vitest"
import type { Language } from "../../base/pages/acceptLanguage.ts"
import { hasAccountMail, inviteMail, registeredMail, registerMail, signInMail, verifyMail } from "./identityMails.ts"

const link = "https://cloud.example.com/auth/verify?token=t"
const invite = { organization: "acme", role: "viewer", by: "grace@example.com", expiresAt: new Date(0) } as const

const mailsIn = (language: Language) => [
  verifyMail(language, "ada@example.com", "acme", link),
  verifyMail(language, "ada@example.com", undefined, link),
  registerMail(language, "ada@example.com", "acme", link),
  hasAccountMail(language, "ada@example.com", "acme", "https://cloud.example.com"),
  signInMail(language, "ada@example.com", "BCDF-GHJK"),
  registeredMail(language, "ada@example.com", "acme", "https://cloud.example.com"),
  inviteMail(language, "ada@example.com", invite, link),
  inviteMail(language, "ada@example.com", { ...invite, by: undefined }, link)
]

describe("mails to people", () => {
  it("say the same in both languages, with the link or command on a line of its own", () => {
    const [english, german] = [mailsIn("en"), mailsIn("de")]
    for (const [index, mail] of german.entries()) {
      const other = english[index] ?? expect.unreachable("a language has more mails")
      expect(mail.subject).not.toBe(other.subject)
      expect(mail.text.split("\n\n").length).toBe(other.text.split("\n\n").length)
      const leads = (text: string) => text.split("\n").filter((line) => /^(https:|maxcloud |[A-Z]{4}-)/.test(line))
      expect(leads(mail.text)).toHaveLength(1)
      expect(leads(mail.text)).toStrictEqual(leads(other.text))
      // Words that the other language doesn't use.
      expect(mail.text).toMatch(/\b(der|die|das|Der|den|Sie|Ihr)\b/)
      expect(mail.text).not.toMatch(/\b(the|The|you|is)\b/)
      expect(other.text).not.toMatch(/\b(der|die|das|Sie|ist)\b/)
    }
  })
})
