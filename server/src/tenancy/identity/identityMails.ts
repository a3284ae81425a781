import type { Role } from "@maxcloud/sdk/api"
import { Redacted } from "effect"
import type { Language } from "../../base/pages/acceptLanguage.ts"
import type { Message } from "../mail/Mail.ts"
import { mailTexts } from "./mailTexts.ts"

/** The link in a mail: a path under `/auth` with a token. */
export const linkOf = (publicUrl: string, path: string, token: Redacted.Redacted) =>
  `${publicUrl}/auth/${path}?token=${encodeURIComponent(Redacted.value(token))}`

const mail = (to: string, subject: string, ...paragraphs: ReadonlyArray<string>): Message => ({
  to,
  subject,
  text: `${paragraphs.join("\n\n")}\n`
})

export const verifyMail = (language: Language, to: string, organization: string | undefined, link: string): Message => {
  const say = mailTexts[language]
  return mail(to, say.verifySubject, say.verifyIntro(organization), link, say.verifyEnd)
}

export const registerMail = (language: Language, to: string, organization: string, link: string): Message => {
  const say = mailTexts[language]
  return mail(to, say.verifySubject, say.registerIntro(organization), link, say.registerEnd)
}

/** Somebody asked to register an address that has an account. */
export const hasAccountMail = (language: Language, to: string, organization: string, publicUrl: string): Message => {
  const say = mailTexts[language]
  const command = `maxcloud auth login --api-url ${publicUrl}`
  return mail(to, say.hasAccountSubject, say.hasAccountIntro(organization), command, say.hasAccountEnd(organization))
}

export const signInMail = (language: Language, to: string, code: string): Message => {
  const say = mailTexts[language]
  return mail(to, say.signInSubject, say.signInIntro, code, say.signInEnd)
}

export const registeredMail = (language: Language, to: string, organization: string, publicUrl: string): Message => {
  const say = mailTexts[language]
  const command = `maxcloud auth login --api-url ${publicUrl}`
  return mail(to, say.registeredSubject(organization), say.registered(organization), command)
}

export const inviteMail = (
  language: Language,
  to: string,
  invite: {
    readonly organization: string
    readonly role: Role
    readonly by: string | undefined
    readonly expiresAt: Date
  },
  link: string
): Message => {
  const say = mailTexts[language]
  const until = invite.expiresAt.toISOString().slice(0, 16).replace("T", " ")
  return mail(to, say.inviteSubject(invite.organization), say.inviteIntro(invite), link, say.inviteEnd(until))
}
