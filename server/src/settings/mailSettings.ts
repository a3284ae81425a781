import { Config, ConfigError, Either, Redacted, Schema } from "effect"
import { from, HttpUrl, optional, type Settings } from "./setting.ts"

/** How mail is sent. */
export interface MailSettings {
  readonly mail: "log" | undefined
  /** Sender: an address, or `Name <address>`. */
  readonly mailFrom: string | undefined
  readonly resendApiKey: Redacted.Redacted | undefined
  /** Without a slash at its end. */
  readonly resendUrl: string
  /** Holds a password: `smtps://user:password@host:465`, `smtp://host:587`. */
  readonly smtpUrl: Redacted.Redacted | undefined
}

/** The one way that mail takes. */
export type MailRoute =
  | { readonly type: "resend"; readonly from: string; readonly apiKey: Redacted.Redacted; readonly url: string }
  | { readonly type: "smtp"; readonly from: string; readonly url: Redacted.Redacted }
  | { readonly type: "log" }

const address = "[^\\s<>@,;]+@[^\\s<>@,;]+"
const Sender = Schema.String.pipe(Schema.pattern(new RegExp(`^(${address}|[^<>\\r\\n]+ <${address}>)$`)))
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

// What is written there holds a password: a message does not repeat it.
const smtpUrl = Config.redacted("SMTP_URL").pipe(
  Config.mapOrFail((url) =>
    isSmtpUrl(Redacted.value(url))
      ? Either.right(url)
      : Either.left(
          ConfigError.InvalidData(
            ["SMTP_URL"],
            'a mail server is written as "smtps://user:password@smtp.example.com:465" or "smtp://smtp.example.com:587" (STARTTLS; "?tls=off" without), with special characters percent-encoded'
          )
        )
  )
)

export const mailSettings: Settings<MailSettings> = {
  mail: {
    name: "MAXCLOUD_MAIL",
    config: optional(from("MAXCLOUD_MAIL", Schema.Literal("log"), 'write "log", or leave it out')),
    default: "log on loopback without credentials, else none",
    description:
      "`log`: mail is not sent but printed to the server's log, with its link. Whoever reads the log can sign in as anybody."
  },
  mailFrom: {
    name: "MAXCLOUD_MAIL_FROM",
    config: optional(
      from(
        "MAXCLOUD_MAIL_FROM",
        Sender,
        'a sender is written as "max-cloud <cloud@example.com>" or "cloud@example.com"'
      )
    ),
    default: "none",
    description: "Sender of the server's mail; needed with `RESEND_API_KEY` or `SMTP_URL`."
  },
  resendApiKey: {
    name: "RESEND_API_KEY",
    config: optional(Config.nonEmptyString("RESEND_API_KEY").pipe(Config.map(Redacted.make))),
    default: "none",
    description: "API key of Resend (resend.com): mail is sent through it."
  },
  resendUrl: {
    name: "MAXCLOUD_RESEND_URL",
    config: from("MAXCLOUD_RESEND_URL", HttpUrl, `a URL is written as "${defaultResendUrl}"`).pipe(
      Config.map((_) => _.replace(/\/+$/, "")),
      Config.withDefault(defaultResendUrl)
    ),
    default: defaultResendUrl,
    description: "Base URL of Resend's API."
  },
  smtpUrl: {
    name: "SMTP_URL",
    config: optional(smtpUrl),
    default: "none",
    description:
      "Mail server that mail is sent through: `smtps://user:password@host:465`, or `smtp://user:password@host:587`, which must then offer STARTTLS, unless the URL ends in `?tls=off` or the host is a loopback address."
  }
}

export const mailConfig: Config.Config<MailSettings> = Config.all({
  mail: mailSettings.mail.config,
  mailFrom: mailSettings.mailFrom.config,
  resendApiKey: mailSettings.resendApiKey.config,
  resendUrl: mailSettings.resendUrl.config,
  smtpUrl: mailSettings.smtpUrl.config
})

/** Which way mail takes, or what is to be set. `development`: calls need no credential (loopback only). */
export const mailRoute = (settings: MailSettings, development: boolean): Either.Either<MailRoute, string> => {
  const { mailFrom, resendApiKey, resendUrl, smtpUrl } = settings
  if (settings.mail === "log") return Either.right({ type: "log" })
  if (resendApiKey !== undefined && smtpUrl !== undefined) {
    return Either.left("RESEND_API_KEY and SMTP_URL are both set, but mail takes one way: remove one of them")
  }
  if (resendApiKey === undefined && smtpUrl === undefined) {
    return development
      ? Either.right({ type: "log" })
      : Either.left(
          "people sign in by mail, and nothing says how it is sent: set RESEND_API_KEY (Resend) or SMTP_URL (a mail server) with MAXCLOUD_MAIL_FROM, or MAXCLOUD_MAIL=log to print mails to the server's log, where whoever reads it can sign in as anybody"
        )
  }
  if (mailFrom === undefined) {
    return Either.left(
      `MAXCLOUD_MAIL_FROM is not set, but ${smtpUrl === undefined ? "RESEND_API_KEY" : "SMTP_URL"} is: say whom mail is from, as "max-cloud <cloud@example.com>", or set MAXCLOUD_MAIL=log to print mails to the server's log`
    )
  }
  return resendApiKey === undefined
    ? smtpUrl === undefined
      ? Either.right({ type: "log" })
      : Either.right({ type: "smtp", from: mailFrom, url: smtpUrl })
    : Either.right({ type: "resend", from: mailFrom, apiKey: resendApiKey, url: resendUrl })
}
