import type { Role } from "@maxcloud/sdk/api"
import { Redacted } from "effect"
import type { Message } from "../mail/Mail.ts"

/** Of a path under `/auth` with a token: where a mail leads. */
export const linkOf = (publicUrl: string, path: string, token: Redacted.Redacted) =>
  `${publicUrl}/auth/${path}?token=${encodeURIComponent(Redacted.value(token))}`

const mail = (to: string, subject: string, ...paragraphs: ReadonlyArray<string>): Message => ({
  to,
  subject,
  text: `${paragraphs.join("\n\n")}\n`
})

export const verifyMail = (to: string, organization: string | undefined, link: string): Message =>
  mail(
    to,
    "Confirm your address for max-cloud",
    organization === undefined
      ? "An account of max-cloud was made with this address. To confirm that it is yours, open"
      : `The organization "${organization}" was registered at max-cloud with this address. To confirm that it is yours, open`,
    link,
    "The link is good for three days, once. Was it not you who registered? Then do not open it: without it the account can do nothing."
  )

export const signInMail = (to: string, code: string): Message =>
  mail(
    to,
    "Your code to sign in to max-cloud",
    "Your code is",
    code,
    "It is good for ten minutes, on the page that asked for it. Nobody of ours ever asks you for it. Was it not you? Then there is nothing to do: without the code nobody signs in."
  )

export const registeredMail = (to: string, organization: string, publicUrl: string): Message =>
  mail(
    to,
    `Your organization "${organization}" at max-cloud`,
    `The organization "${organization}" was made, and you own it. To sign in, run`,
    `maxcloud auth login --api-url ${publicUrl}`
  )

export const inviteMail = (
  to: string,
  invite: {
    readonly organization: string
    readonly role: Role
    readonly by: string | undefined
    readonly expiresAt: Date
  },
  link: string
): Message =>
  mail(
    to,
    `You are invited to "${invite.organization}" at max-cloud`,
    `${invite.by ?? "An administrator"} invites you to the organization "${invite.organization}" as ${invite.role}. To accept, open`,
    link,
    `The link is good until ${invite.expiresAt.toISOString().slice(0, 16).replace("T", " ")} UTC, once. Do you not expect this? Then there is nothing to do.`
  )
