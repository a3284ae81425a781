import { Either, Option, Redacted, Schema } from "effect"
import { baseUrl, form, secret } from "./forms.ts"
import { type Form, optional, type SettingValues, setting } from "./setting.ts"

/** The one mail transport. */
export type MailRoute =
  | { readonly type: "resend"; readonly from: string; readonly apiKey: Redacted.Redacted; readonly url: string }
  | { readonly type: "smtp"; readonly from: string; readonly url: Redacted.Redacted }
  | { readonly type: "log" }

const address = "[^\\s<>@,;]+@[^\\s<>@,;]+"
const sender = form(
  Schema.String.pipe(Schema.pattern(new RegExp(`^(${address}|[^<>\\r\\n]+ <${address}>)$`))),
  'a sender is written as "max-cloud <cloud@example.com>" or "cloud@example.com"'
)
const defaultResendUrl = "https://api.resend.com"

const isSmtpUrl = (written: string) => {
  if (!URL.canParse(written)) return false
  const { hash, hostname, pathname, protocol, searchParams } = new URL(written)
  return (
    (protocol === "smtp:" || protocol === "smtps:") &&
    hostname !== "" &&
    hash === "" &&
    (pathname === "" || pathname === "/") &&
    [...searchParams].every(([key, value]) => key === "tls" && ["off", "required"].includes(value)) &&
    !(protocol === "smtps:" && searchParams.get("tls") === "off")
  )
}

/** It contains a password. */
const smtpUrl: Form<Redacted.Redacted> = {
  ...secret,
  read: (written) => Option.filter(secret.read(written), (value) => isSmtpUrl(Redacted.value(value))),
  help: 'a mail server is written as "smtps://user:password@smtp.example.com:465" or "smtp://smtp.example.com:587" (STARTTLS; "?tls=off" without), with special characters percent-encoded'
}

/** How to send mail. */
export const mailSettings = {
  mail: optional("MAXCLOUD_MAIL", form(Schema.Literal("log"), 'write "log", or leave it out'), {
    unset: "log on loopback without credentials, else none",
    text: "`log`: mail isn't sent but printed to the server's log, with its link. Anybody who can read the log can sign in as anybody."
  }),
  /** An address, or `Name <address>`. */
  mailFrom: optional("MAXCLOUD_MAIL_FROM", sender, {
    unset: "none",
    text: "Sender of the server's mail, required with `RESEND_API_KEY` or `SMTP_URL`."
  }),
  resendApiKey: optional(
    "RESEND_API_KEY",
    { ...secret, emptyIsUnset: true },
    {
      unset: "none",
      text: "API key of Resend (resend.com), which sends the mail."
    }
  ),
  resendUrl: setting("MAXCLOUD_RESEND_URL", baseUrl(defaultResendUrl), {
    default: defaultResendUrl,
    text: "Base URL of Resend's API."
  }),
  smtpUrl: optional("SMTP_URL", smtpUrl, {
    unset: "none",
    text: "Mail server: `smtps://user:password@host:465`, or `smtp://user:password@host:587`, which must then offer STARTTLS, unless the URL ends in `?tls=off` or the host is a loopback address."
  })
}

export type MailSettings = SettingValues<typeof mailSettings>

/** The mail transport, or the settings that are missing. `development`: requests need no credential (loopback only). */
export const mailRoute = (settings: MailSettings, development: boolean): Either.Either<MailRoute, string> => {
  const { mailFrom, resendApiKey, resendUrl, smtpUrl } = settings
  if (settings.mail === "log") return Either.right({ type: "log" })
  if (resendApiKey !== undefined && smtpUrl !== undefined) {
    return Either.left("Set only one of RESEND_API_KEY and SMTP_URL")
  }
  if (resendApiKey === undefined && smtpUrl === undefined) {
    return development
      ? Either.right({ type: "log" })
      : Either.left(
          "people sign in by mail, but no mail transport is set. Set RESEND_API_KEY (Resend) or SMTP_URL (a mail server) with MAXCLOUD_MAIL_FROM. Or set MAXCLOUD_MAIL=log to print mails to the server's log, where anybody who can read it can sign in as anybody"
        )
  }
  if (mailFrom === undefined) {
    return Either.left(
      `${smtpUrl === undefined ? "RESEND_API_KEY" : "SMTP_URL"} needs MAXCLOUD_MAIL_FROM. Set it to the sender, such as "max-cloud <cloud@example.com>". Or set MAXCLOUD_MAIL=log to print mails to the server's log`
    )
  }
  return resendApiKey === undefined
    ? smtpUrl === undefined
      ? Either.right({ type: "log" })
      : Either.right({ type: "smtp", from: mailFrom, url: smtpUrl })
    : Either.right({ type: "resend", from: mailFrom, apiKey: resendApiKey, url: resendUrl })
}
