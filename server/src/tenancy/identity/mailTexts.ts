import type { Role } from "@maxcloud/sdk/api"
import type { Language } from "../../base/pages/acceptLanguage.ts"

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
  readonly registerIntro: (organization: string) => string
  readonly registerEnd: string
  readonly hasAccountSubject: string
  readonly hasAccountIntro: (organization: string) => string
  readonly hasAccountEnd: (organization: string) => string
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
  registerIntro: (organization) =>
    `Somebody asked to register the organization "${organization}" at max-cloud with this address. If it was you, open`,
  registerEnd:
    "The link is good for three days, once. It makes your account and the organization; then sign in with `maxcloud auth login`. Was it not you? Then do not open it: without it nothing is made.",
  hasAccountSubject: "You have an account of max-cloud already",
  hasAccountIntro: (organization) =>
    `Somebody asked to register the organization "${organization}" at max-cloud with this address, which has an account already. If it was you, sign in by`,
  hasAccountEnd: (organization) =>
    `Then make the organization with \`maxcloud org create ${organization}\`, if this server lets people make their own. Was it not you? Then there is nothing to do: nothing was changed.`,
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
  registerIntro: (organization) =>
    `Jemand möchte mit dieser Adresse die Organisation „${organization}“ bei max-cloud registrieren. Waren Sie das, öffnen Sie`,
  registerEnd:
    "Der Link gilt drei Tage, einmal. Er legt Ihr Konto und die Organisation an; danach melden Sie sich mit `maxcloud auth login` an. Waren Sie das nicht? Dann öffnen Sie ihn nicht: Ohne ihn wird nichts angelegt.",
  hasAccountSubject: "Sie haben bereits ein Konto bei max-cloud",
  hasAccountIntro: (organization) =>
    `Jemand wollte mit dieser Adresse die Organisation „${organization}“ bei max-cloud registrieren. Die Adresse hat bereits ein Konto. Waren Sie das, melden Sie sich an mit`,
  hasAccountEnd: (organization) =>
    `Legen Sie die Organisation danach mit \`maxcloud org create ${organization}\` an, wenn dieser Server das erlaubt. Waren Sie das nicht? Dann ist nichts zu tun: Es wurde nichts geändert.`,
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
