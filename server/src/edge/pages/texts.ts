import type { Language } from "../../base/pages/acceptLanguage.ts"

/** All texts of the pages, in plain text (not HTML). */
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
  /** The program's address, its time (date and time, UTC), and the address of the reader's browser. */
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
  readonly joined: (organization: string, role: string) => string
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
  email: "Email address",
  organization: "Organization name",
  code: "Code",
  goOn: "Continue",
  nextStep: "To continue, run in a terminal:",
  signInTitle: "Sign in",
  signInIntro: "We'll mail you a code to enter on the next page. You don't need a password.",
  sendCode: "Send code",
  codeIntro: "If this address has an account, we have sent it a code. The code is valid for ten minutes.",
  otherAddress: "Use another address",
  signedInAs: (email) => `You are signed in as ${email}.`,
  deviceTitle: "Sign in a program",
  deviceCodeIntro: "Enter the code that the program shows.",
  deviceAsks: (client) => `“${client}” wants to sign in as you.`,
  deviceOrigin: (address, at, ownAddress) =>
    `The request came from the network address ${address} (${at} UTC). Your browser's address is ${ownAddress}.`,
  unknownAddress: "unknown",
  deviceWarning:
    "Approve it only if you started the program yourself and it shows this code. Anyone who sent you a code or a link could act as you.",
  whichOrganization: "For the organization",
  noOrganization: "You aren't a member of any organization. Ask an administrator for an invite.",
  noOrganizationYet: "You aren't a member of any organization. Create one, or ask an administrator for an invite.",
  createOrganization: "Create",
  approve: "Approve",
  deny: "Deny",
  approved: "Approved. The program continues automatically. You can close this page.",
  denied: "Denied. The program isn't signed in. You can close this page.",
  verifyTitle: "Confirm your address",
  verifyIntro: "Confirm only if you registered yourself: otherwise, somebody else could use the account.",
  verifyButton: "This is my address",
  verified: (email) => `${email} is confirmed. If you aren't signed in yet, sign in now.`,
  inviteTitle: "Accept the invite",
  inviteIntro: "If you accept, you become a member of the organization named in the mail.",
  inviteButton: "Accept",
  joined: (organization, role) => `You are now a member of “${organization}” as ${role}.`,
  bootstrapTitle: "Welcome to your max-cloud",
  bootstrapIntro: "This server has no accounts yet. Create the first one and its organization.",
  bootstrapButton: "Create",
  bootstrapped: (organization) => `The organization “${organization}” is yours.`,
  wrongCode: "This code is wrong or has expired. Try again, or request a new one.",
  wrongEmail: "Enter an email address like ada@example.com.",
  wrongOrganization: "Use 1 to 30 lowercase letters, digits and hyphens, beginning with a letter.",
  taken: "This address or organization name is already taken. Choose another name.",
  deadLink: "This link is incomplete, was already used, or has expired.",
  deadDevice:
    "This code is unknown or has expired. Codes are valid for ten minutes and work once. Check that you entered it as shown, or run `maxcloud auth login` again.",
  notMember: "You aren't a member of this organization.",
  refused: "This link was already used. Until there is an account, the server prints a new link at each start.",
  stale: "This page has expired or was opened elsewhere. Reload it.",
  tooMany: (seconds) => `Too many attempts. Try again in ${seconds} seconds.`,
  away: "The server can't do this at the moment. Try again.",
  mistake: "Internal error. The server's log has the cause.",
  problemTitle: "Something went wrong"
}

const de: Texts = {
  email: "E-Mail-Adresse",
  organization: "Name der Organisation",
  code: "Code",
  goOn: "Weiter",
  nextStep: "Fahren Sie im Terminal fort:",
  signInTitle: "Anmelden",
  signInIntro:
    "Wir senden Ihnen einen Code per E-Mail, den Sie auf der nächsten Seite eingeben. Ein Passwort brauchen Sie nicht.",
  sendCode: "Code senden",
  codeIntro:
    "Falls es zu dieser Adresse ein Konto gibt, haben wir einen Code dorthin gesendet. Er ist zehn Minuten gültig.",
  otherAddress: "Andere Adresse verwenden",
  signedInAs: (email) => `Sie sind angemeldet als ${email}.`,
  deviceTitle: "Programm anmelden",
  deviceCodeIntro: "Geben Sie den Code ein, den das Programm anzeigt.",
  deviceAsks: (client) => `„${client}“ möchte sich in Ihrem Namen anmelden.`,
  deviceOrigin: (address, at, ownAddress) =>
    `Die Anfrage kam von der IP-Adresse ${address} (${at} UTC). Ihr Browser hat die Adresse ${ownAddress}.`,
  unknownAddress: "unbekannt",
  deviceWarning:
    "Stimmen Sie nur zu, wenn Sie das Programm selbst gestartet haben und es diesen Code anzeigt. Wer Ihnen einen Code oder Link geschickt hat, könnte sonst in Ihrem Namen handeln.",
  whichOrganization: "Für die Organisation",
  noOrganization: "Sie sind in keiner Organisation Mitglied. Bitten Sie einen Administrator um eine Einladung.",
  noOrganizationYet:
    "Sie sind in keiner Organisation Mitglied. Legen Sie eine an, oder bitten Sie einen Administrator um eine Einladung.",
  createOrganization: "Anlegen",
  approve: "Erlauben",
  deny: "Ablehnen",
  approved: "Erlaubt. Das Programm macht automatisch weiter. Sie können diese Seite schließen.",
  denied: "Abgelehnt. Das Programm wurde nicht angemeldet. Sie können diese Seite schließen.",
  verifyTitle: "Adresse bestätigen",
  verifyIntro:
    "Bestätigen Sie nur, wenn Sie sich selbst registriert haben: Sonst kann jemand anderes das Konto benutzen.",
  verifyButton: "Das ist meine Adresse",
  verified: (email) => `${email} ist bestätigt. Falls Sie noch nicht angemeldet sind, melden Sie sich jetzt an.`,
  inviteTitle: "Einladung annehmen",
  inviteIntro: "Wenn Sie die Einladung annehmen, werden Sie Mitglied der Organisation, die in der E-Mail genannt ist.",
  inviteButton: "Annehmen",
  joined: (organization, role) => `Sie sind jetzt Mitglied von „${organization}“ (${role}).`,
  bootstrapTitle: "Willkommen bei max-cloud",
  bootstrapIntro: "Auf diesem Server gibt es noch keine Konten. Legen Sie das erste Konto und seine Organisation an.",
  bootstrapButton: "Anlegen",
  bootstrapped: (organization) => `Die Organisation „${organization}“ gehört Ihnen.`,
  wrongCode: "Dieser Code ist falsch oder abgelaufen. Versuchen Sie es noch einmal, oder fordern Sie einen neuen an.",
  wrongEmail: "Geben Sie eine E-Mail-Adresse wie ada@example.com ein.",
  wrongOrganization:
    "Verwenden Sie 1 bis 30 Kleinbuchstaben, Ziffern und Bindestriche, beginnend mit einem Buchstaben.",
  taken: "Diese Adresse oder der Organisationsname ist bereits vergeben. Wählen Sie einen anderen Namen.",
  deadLink: "Dieser Link ist unvollständig, abgelaufen oder wurde bereits verwendet.",
  deadDevice:
    "Dieser Code ist unbekannt oder abgelaufen. Codes sind zehn Minuten gültig und funktionieren nur einmal. Prüfen Sie Ihre Eingabe, oder starten Sie `maxcloud auth login` noch einmal.",
  notMember: "Sie sind nicht Mitglied dieser Organisation.",
  refused:
    "Dieser Link wurde bereits verwendet. Solange es keine Konten gibt, gibt der Server bei jedem Neustart einen neuen aus.",
  stale: "Diese Seite ist abgelaufen oder wurde anderswo geöffnet. Laden Sie sie neu.",
  tooMany: (seconds) => `Zu viele Versuche. Versuchen Sie es in ${seconds} Sekunden noch einmal.`,
  away: "Das ist im Moment nicht möglich. Versuchen Sie es noch einmal.",
  mistake: "Interner Fehler. Die Ursache steht im Log des Servers.",
  problemTitle: "Das hat nicht funktioniert"
}

export const texts: Readonly<Record<Language, Texts>> = { de, en }
