import type { Role } from "@maxcloud/sdk/api"
import type { Language } from "../../base/pages/acceptLanguage.ts"

interface Invited {
  readonly organization: string
  readonly role: Role
  readonly by: string | undefined
}

/** The texts of all mails to people. */
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
  readonly webhookSubject: (organization: string) => string
  /** `days`: how long every delivery has failed; undefined if the receiver answered 410. */
  readonly webhookIntro: (webhook: string, host: string, days: number | undefined) => string
  readonly webhookNext: string
  readonly webhookEnd: string
  readonly deletionSubject: (organization: string) => string
  readonly deletionIntro: (organization: string, by: string | undefined) => string
  readonly deletionServices: string
  readonly deletionKeep: string
  readonly deletionEnd: string
}

const en: MailTexts = {
  verifySubject: "Confirm your address for max-cloud",
  verifyIntro: (organization) =>
    `${organization === undefined ? "Somebody created a max-cloud account" : `Somebody registered the organization "${organization}" at max-cloud`} with this address. To confirm that the address is yours, open`,
  verifyEnd:
    "The link is valid for three days and works once. If you didn't register, don't open it: without it, nobody can use the account.",
  registerIntro: (organization) =>
    `Somebody asked to register the organization "${organization}" on max-cloud with this address. If that was you, open`,
  registerEnd:
    "The link is valid for three days and works once. It creates your account and the organization. Then sign in with `maxcloud auth login`. If that wasn't you, don't open it: nothing is created without it.",
  hasAccountSubject: "You already have a max-cloud account",
  hasAccountIntro: (organization) =>
    `Somebody asked to register the organization "${organization}" on max-cloud with this address, which already has an account. If that was you, sign in with`,
  hasAccountEnd: (organization) =>
    `Then create the organization with \`maxcloud org create ${organization}\`, if this server allows it. If that wasn't you, you don't have to do anything: nothing was changed.`,
  signInSubject: "Your max-cloud sign-in code",
  signInIntro: "Your code is",
  signInEnd:
    "It is valid for ten minutes, on the page that asked for it. We will never ask you for it. If that wasn't you, you don't have to do anything: nobody can sign in without the code.",
  registeredSubject: (organization) => `Your organization "${organization}" at max-cloud`,
  registered: (organization) => `The organization "${organization}" was created, and you own it. To sign in, run`,
  inviteSubject: (organization) => `You are invited to join "${organization}" on max-cloud`,
  inviteIntro: ({ by, organization, role }) =>
    `${by ?? "An administrator"} invites you to the organization "${organization}" as ${role}. To accept, open`,
  inviteEnd: (until) =>
    `The link is valid until ${until} UTC and works once. If you didn't expect this, you can ignore this mail.`,
  webhookSubject: (organization) => `A webhook of "${organization}" is disabled`,
  webhookIntro: (webhook, host, days) =>
    `max-cloud disabled the webhook ${webhook} to ${host}, because ${days === undefined ? "it answered 410 Gone" : `no delivery to it has succeeded for ${days} days`}.`,
  webhookNext: "Nothing is sent to it until somebody enables it. See what failed, then enable it:",
  webhookEnd: "Pending events are delivered as soon as you enable it.",
  deletionSubject: (organization) => `${organization} will be deleted`,
  deletionIntro: (organization, by) =>
    `The organization ${organization} will be deleted${by === undefined ? "" : `: ${by} requested it`}.`,
  deletionServices: "Its services have been stopped. All of its data will be erased after",
  deletionKeep: "Until then, an owner can cancel the deletion:",
  deletionEnd: "After that, nothing can be restored."
}

const de: MailTexts = {
  verifySubject: "Bestätigen Sie Ihre Adresse für max-cloud",
  verifyIntro: (organization) =>
    `${organization === undefined ? "Mit dieser Adresse wurde ein Konto bei max-cloud angelegt" : `Mit dieser Adresse wurde die Organisation „${organization}“ bei max-cloud registriert`}. Um zu bestätigen, dass die Adresse Ihnen gehört, öffnen Sie`,
  verifyEnd:
    "Der Link ist drei Tage gültig und funktioniert nur einmal. Wenn Sie sich nicht registriert haben, öffnen Sie ihn nicht: Ohne ihn lässt sich das Konto nicht nutzen.",
  registerIntro: (organization) =>
    `Jemand möchte mit dieser Adresse die Organisation „${organization}“ bei max-cloud registrieren. Wenn Sie das waren, öffnen Sie`,
  registerEnd:
    "Der Link ist drei Tage gültig und funktioniert nur einmal. Damit werden Ihr Konto und die Organisation angelegt. Melden Sie sich danach mit `maxcloud auth login` an. Wenn Sie das nicht waren, öffnen Sie ihn nicht: Ohne ihn wird nichts angelegt.",
  hasAccountSubject: "Sie haben bereits ein Konto bei max-cloud",
  hasAccountIntro: (organization) =>
    `Jemand wollte mit dieser Adresse die Organisation „${organization}“ bei max-cloud registrieren. Zu dieser Adresse gibt es bereits ein Konto. Wenn Sie das waren, melden Sie sich an mit`,
  hasAccountEnd: (organization) =>
    `Legen Sie die Organisation danach mit \`maxcloud org create ${organization}\` an, wenn dieser Server das erlaubt. Wenn Sie das nicht waren, müssen Sie nichts tun: Es wurde nichts geändert.`,
  signInSubject: "Ihr Anmeldecode für max-cloud",
  signInIntro: "Ihr Code lautet",
  signInEnd:
    "Er ist zehn Minuten gültig und nur auf der Seite, auf der Sie ihn angefordert haben. Wir fragen Sie niemals danach. Wenn Sie das nicht waren, müssen Sie nichts tun: Ohne den Code kann sich niemand anmelden.",
  registeredSubject: (organization) => `Ihre Organisation „${organization}“ bei max-cloud`,
  registered: (organization) =>
    `Die Organisation „${organization}“ wurde angelegt und gehört Ihnen. Melden Sie sich an mit`,
  inviteSubject: (organization) => `Einladung zu „${organization}“ bei max-cloud`,
  inviteIntro: ({ by, organization, role }) =>
    `${by ?? "Ein Administrator"} lädt Sie als ${role} in die Organisation „${organization}“ ein. Um die Einladung anzunehmen, öffnen Sie`,
  inviteEnd: (until) =>
    `Der Link ist bis ${until} UTC gültig und funktioniert nur einmal. Wenn Sie keine Einladung erwartet haben, müssen Sie nichts tun.`,
  webhookSubject: (organization) => `Ein Webhook von „${organization}“ ist deaktiviert`,
  webhookIntro: (webhook, host, days) =>
    `max-cloud hat den Webhook ${webhook} an ${host} deaktiviert, weil ${days === undefined ? "er mit 410 Gone geantwortet hat" : `seit ${days} Tagen keine Zustellung gelungen ist`}.`,
  webhookNext:
    "Bis jemand ihn wieder aktiviert, wird nichts an ihn gesendet. So sehen Sie die Ursache und aktivieren ihn:",
  webhookEnd: "Ausstehende Ereignisse werden zugestellt, sobald Sie ihn aktivieren.",
  deletionSubject: (organization) => `${organization} wird gelöscht`,
  deletionIntro: (organization, by) =>
    `Die Organisation ${organization} wird gelöscht${by === undefined ? "" : `: ${by} hat das veranlasst`}.`,
  deletionServices:
    "Die Dienste der Organisation wurden gestoppt. Alle Daten werden nach Ablauf dieser Frist gelöscht:",
  deletionKeep: "Bis dahin kann ein Eigentümer die Löschung abbrechen:",
  deletionEnd: "Danach lässt sich nichts wiederherstellen."
}

export const mailTexts: Readonly<Record<Language, MailTexts>> = { de, en }
