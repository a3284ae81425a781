import type { Role } from "@maxcloud/sdk/api"
import type { Language } from "../../base/pages/acceptLanguage.ts"

/** Everything that the pages say, as text (not HTML). */
export interface Texts {
  readonly email: string
  readonly organization: string
  readonly code: string
  readonly goOn: string
  readonly nextStep: string
  readonly signInTitle: string
  readonly signInIntro: string
  readonly sendCode: string
  readonly codeIntro: string
  readonly otherAddress: string
  readonly signedInAs: (email: string) => string
  readonly deviceTitle: string
  readonly deviceCodeIntro: string
  readonly deviceAsks: (client: string) => string
  /** Where the program asked from, when (date and time, UTC), and where the reader's browser is. */
  readonly deviceOrigin: (address: string, at: string, ownAddress: string) => string
  readonly unknownAddress: string
  readonly deviceWarning: string
  readonly whichOrganization: string
  readonly noOrganization: string
  readonly noOrganizationYet: string
  readonly createOrganization: string
  readonly approve: string
  readonly deny: string
  readonly approved: string
  readonly denied: string
  readonly verifyTitle: string
  readonly verifyIntro: string
  readonly verifyButton: string
  readonly verified: (email: string) => string
  readonly inviteTitle: string
  readonly inviteIntro: string
  readonly inviteButton: string
  readonly joined: (organization: string, role: Role) => string
  readonly bootstrapTitle: string
  readonly bootstrapIntro: string
  readonly bootstrapButton: string
  readonly bootstrapped: (organization: string) => string
  readonly wrongCode: string
  readonly wrongEmail: string
  readonly wrongOrganization: string
  readonly taken: string
  readonly deadLink: string
  readonly deadDevice: string
  readonly notMember: string
  readonly refused: string
  readonly stale: string
  readonly tooMany: (seconds: number) => string
  readonly away: string
  readonly mistake: string
  readonly problemTitle: string
}

const en: Texts = {
  email: "E-mail address",
  organization: "Name of the organization",
  code: "Code",
  goOn: "Continue",
  nextStep: "To go on, run in a terminal:",
  signInTitle: "Sign in",
  signInIntro: "You get a code by mail, and type it on the next page. There is no password.",
  sendCode: "Send the code",
  codeIntro: "If there is an account with this address, a code is on its way to it. It is good for ten minutes.",
  otherAddress: "Another address",
  signedInAs: (email) => `You are signed in as ${email}.`,
  deviceTitle: "Let a program sign in",
  deviceCodeIntro: "Type the code that the program shows.",
  deviceAsks: (client) => `“${client}” asks to sign in as you.`,
  deviceOrigin: (address, at, ownAddress) =>
    `The request came from the network address ${address} (${at} UTC). Your browser's address is ${ownAddress}.`,
  unknownAddress: "unknown",
  deviceWarning:
    "Approve it only if you have started it yourself, and it shows this code. Whoever sent you a code or a link would act as you.",
  whichOrganization: "For the organization",
  noOrganization: "You are a member of no organization. Ask an administrator for an invite.",
  noOrganizationYet: "You are a member of no organization. Make one, or ask an administrator for an invite.",
  createOrganization: "Make it",
  approve: "Approve",
  deny: "Deny",
  approved: "Approved. The program goes on by itself; you may close this page.",
  denied: "Denied. The program is not signed in; you may close this page.",
  verifyTitle: "Confirm your address",
  verifyIntro: "Confirm it only if you have registered yourself: whoever did may then use the account.",
  verifyButton: "It is my address",
  verified: (email) => `${email} is confirmed. If you are not signed in yet, do that next.`,
  inviteTitle: "Accept the invite",
  inviteIntro: "By accepting, you become a member of the organization that the mail names.",
  inviteButton: "Accept",
  joined: (organization, role) => `You are a member of “${organization}” as ${role}.`,
  bootstrapTitle: "Welcome to your max-cloud",
  bootstrapIntro: "Nobody has an account here yet. Make the first one, and its organization.",
  bootstrapButton: "Make them",
  bootstrapped: (organization) => `The organization “${organization}” is yours.`,
  wrongCode: "This code is not right, or not good any more. Try again, or have another one sent.",
  wrongEmail: "An e-mail address is written as ada@example.com.",
  wrongOrganization:
    "The name of an organization has 1 to 30 lower-case letters, digits and hyphens, and begins with a letter.",
  taken: "This address, or the name of the organization, is taken already. Choose another name.",
  deadLink: "This link is not whole, was used already, or is not good any more.",
  deadDevice:
    "Nothing waits for this code. It is good for ten minutes, once: look whether it is typed as it is shown, or run `maxcloud auth login` again.",
  notMember: "You are no member of this organization.",
  refused:
    "This link is good once, and not any more. A restart of the server prints another, as long as there are no accounts.",
  stale: "This page is too old, or was opened elsewhere. Load it again.",
  tooMany: (seconds) => `These were too many tries. Go on in ${seconds} seconds.`,
  away: "The server cannot do this at the moment. Try again.",
  mistake: "The server made a mistake. Its log has the cause.",
  problemTitle: "That did not work"
}

const de: Texts = {
  email: "E-Mail-Adresse",
  organization: "Name der Organisation",
  code: "Code",
  goOn: "Weiter",
  nextStep: "Weiter geht es im Terminal:",
  signInTitle: "Anmelden",
  signInIntro:
    "Sie erhalten einen Code per E-Mail und geben ihn auf der nächsten Seite ein. Ein Passwort gibt es nicht.",
  sendCode: "Code senden",
  codeIntro: "Gibt es ein Konto mit dieser Adresse, ist ein Code dorthin unterwegs. Er gilt zehn Minuten.",
  otherAddress: "Andere Adresse",
  signedInAs: (email) => `Sie sind angemeldet als ${email}.`,
  deviceTitle: "Ein Programm anmelden",
  deviceCodeIntro: "Geben Sie den Code ein, den das Programm zeigt.",
  deviceAsks: (client) => `„${client}“ möchte sich in Ihrem Namen anmelden.`,
  deviceOrigin: (address, at, ownAddress) =>
    `Die Anfrage kam von der Netzwerkadresse ${address} (${at} UTC). Ihr Browser hat die Adresse ${ownAddress}.`,
  unknownAddress: "unbekannt",
  deviceWarning:
    "Erlauben Sie das nur, wenn Sie das Programm selbst gestartet haben und es diesen Code zeigt. Wer Ihnen einen Code oder Link geschickt hat, würde in Ihrem Namen handeln.",
  whichOrganization: "Für die Organisation",
  noOrganization: "Sie gehören zu keiner Organisation. Bitten Sie einen Administrator um eine Einladung.",
  noOrganizationYet:
    "Sie gehören zu keiner Organisation. Legen Sie eine an, oder bitten Sie einen Administrator um eine Einladung.",
  createOrganization: "Anlegen",
  approve: "Erlauben",
  deny: "Ablehnen",
  approved: "Erlaubt. Das Programm fährt von selbst fort; Sie können diese Seite schließen.",
  denied: "Abgelehnt. Das Programm ist nicht angemeldet; Sie können diese Seite schließen.",
  verifyTitle: "Adresse bestätigen",
  verifyIntro:
    "Bestätigen Sie nur, wenn Sie sich selbst registriert haben: Wer das getan hat, kann das Konto danach benutzen.",
  verifyButton: "Das ist meine Adresse",
  verified: (email) => `${email} ist bestätigt. Falls Sie noch nicht angemeldet sind, tun Sie das als Nächstes.`,
  inviteTitle: "Einladung annehmen",
  inviteIntro: "Wenn Sie annehmen, werden Sie Mitglied der Organisation, die in der E-Mail steht.",
  inviteButton: "Annehmen",
  joined: (organization, role) => `Sie sind Mitglied von „${organization}“ als ${role}.`,
  bootstrapTitle: "Willkommen bei Ihrer max-cloud",
  bootstrapIntro: "Noch hat hier niemand ein Konto. Legen Sie das erste an, mit seiner Organisation.",
  bootstrapButton: "Anlegen",
  bootstrapped: (organization) => `Die Organisation „${organization}“ gehört Ihnen.`,
  wrongCode:
    "Dieser Code stimmt nicht oder gilt nicht mehr. Versuchen Sie es noch einmal, oder lassen Sie sich einen neuen senden.",
  wrongEmail: "Eine E-Mail-Adresse sieht so aus: ada@example.com.",
  wrongOrganization:
    "Der Name einer Organisation hat 1 bis 30 Kleinbuchstaben, Ziffern und Bindestriche und beginnt mit einem Buchstaben.",
  taken: "Diese Adresse oder der Name der Organisation ist schon vergeben. Wählen Sie einen anderen Namen.",
  deadLink: "Dieser Link ist unvollständig, wurde schon benutzt oder gilt nicht mehr.",
  deadDevice:
    "Auf diesen Code wartet nichts. Er gilt zehn Minuten, einmal: Prüfen Sie, ob er so eingegeben ist, wie er gezeigt wird, oder starten Sie `maxcloud auth login` noch einmal.",
  notMember: "Sie sind kein Mitglied dieser Organisation.",
  refused:
    "Dieser Link gilt einmal, und nicht mehr. Ein Neustart des Servers zeigt einen neuen, solange es keine Konten gibt.",
  stale: "Diese Seite ist zu alt oder wurde anderswo geöffnet. Laden Sie sie neu.",
  tooMany: (seconds) => `Das waren zu viele Versuche. Weiter geht es in ${seconds} Sekunden.`,
  away: "Der Server kann das gerade nicht. Versuchen Sie es noch einmal.",
  mistake: "Der Server hat einen Fehler gemacht. Die Ursache steht in seinem Protokoll.",
  problemTitle: "Das hat nicht geklappt"
}

export const texts: Readonly<Record<Language, Texts>> = { de, en }
