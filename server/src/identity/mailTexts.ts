import type { Role } from "@maxcloud/sdk/api"
import type { Language } from "./Language.ts"

interface Invited {
  readonly organization: string
  readonly role: Role
  readonly by: string | undefined
}

/** Everything that mails to people say. */
export interface MailTexts {
  readonly verifySubject: string
  readonly verifyIntro: (organization: string | undefined) => string
  readonly verifyEnd: string
  readonly signInSubject: string
  readonly signInIntro: string
  readonly signInEnd: string
  readonly registeredSubject: (organization: string) => string
  readonly registered: (organization: string) => string
  readonly inviteSubject: (organization: string) => string
  readonly inviteIntro: (invited: Invited) => string
  /** `until`: date and time. */
  readonly inviteEnd: (until: string) => string
}

const en: MailTexts = {
  verifySubject: "Confirm your address for max-cloud",
  verifyIntro: (organization) =>
    `${organization === undefined ? "An account of max-cloud was made" : `The organization "${organization}" was registered at max-cloud`} with this address. To confirm that it is yours, open`,
  verifyEnd:
    "The link is good for three days, once. Was it not you who registered? Then do not open it: without it the account can do nothing.",
  signInSubject: "Your code to sign in to max-cloud",
  signInIntro: "Your code is",
  signInEnd:
    "It is good for ten minutes, on the page that asked for it. Nobody of ours ever asks you for it. Was it not you? Then there is nothing to do: without the code nobody signs in.",
  registeredSubject: (organization) => `Your organization "${organization}" at max-cloud`,
  registered: (organization) => `The organization "${organization}" was made, and you own it. To sign in, run`,
  inviteSubject: (organization) => `You are invited to "${organization}" at max-cloud`,
  inviteIntro: ({ by, organization, role }) =>
    `${by ?? "An administrator"} invites you to the organization "${organization}" as ${role}. To accept, open`,
  inviteEnd: (until) =>
    `The link is good until ${until} UTC, once. Do you not expect this? Then there is nothing to do.`
}

const de: MailTexts = {
  verifySubject: "Bestätigen Sie Ihre Adresse für max-cloud",
  verifyIntro: (organization) =>
    `${organization === undefined ? "Mit dieser Adresse wurde ein Konto bei max-cloud angelegt" : `Mit dieser Adresse wurde die Organisation „${organization}“ bei max-cloud registriert`}. Um zu bestätigen, dass sie Ihre ist, öffnen Sie`,
  verifyEnd:
    "Der Link gilt drei Tage, einmal. Haben Sie sich nicht registriert? Dann öffnen Sie ihn nicht: Ohne ihn kann das Konto nichts tun.",
  signInSubject: "Ihr Code zum Anmelden bei max-cloud",
  signInIntro: "Ihr Code lautet",
  signInEnd:
    "Er gilt zehn Minuten, auf der Seite, die nach ihm gefragt hat. Niemand von uns fragt Sie je danach. Waren Sie das nicht? Dann ist nichts zu tun: Ohne den Code meldet sich niemand an.",
  registeredSubject: (organization) => `Ihre Organisation „${organization}“ bei max-cloud`,
  registered: (organization) =>
    `Die Organisation „${organization}“ wurde angelegt und gehört Ihnen. Zum Anmelden führen Sie aus`,
  inviteSubject: (organization) => `Sie sind in „${organization}“ bei max-cloud eingeladen`,
  inviteIntro: ({ by, organization, role }) =>
    `${by ?? "Ein Administrator"} lädt Sie in die Organisation „${organization}“ ein, als ${role}. Um anzunehmen, öffnen Sie`,
  inviteEnd: (until) => `Der Link gilt bis ${until} UTC, einmal. Erwarten Sie ihn nicht? Dann ist nichts zu tun.`
}

export const mailTexts: Readonly<Record<Language, MailTexts>> = { de, en }
