import { Effect, Option, Redacted, Schema } from "effect"
import { createTransport } from "nodemailer"
import { isLoopback } from "../../base/settings/ServerConfig.ts"
import { MailError, type MailTransport } from "./Mail.ts"

export interface SmtpOptions {
  readonly from: string
  /** `smtps://user:password@host:465`, or `smtp://user:password@host:587` with `?tls=off` or `?tls=required`. */
  readonly url: Redacted.Redacted
  /** Certificates to trust (PEM) instead of the system's. */
  readonly ca?: string
  /** For each step of a conversation. @default 15 seconds */
  readonly timeoutMs?: number
}

const decodeRefusal = Schema.decodeUnknownOption(
  Schema.Struct({
    code: Schema.optional(Schema.String),
    command: Schema.optional(Schema.String),
    responseCode: Schema.optional(Schema.Int)
  })
)

/**
 * Only a refusal of the mail itself is final (RFC 5321, 4.2.1: 5yz): its recipient, or its text. An operator can fix a
 * refused login, sender or certificate. The server's text is left out, since it may contain the address.
 */
const explain = (server: string, cause: unknown): MailError => {
  const refusal = Option.getOrElse(decodeRefusal(cause), () => undefined)
  const { code = "unknown", command = "CONN", responseCode } = refusal ?? {}
  if (responseCode === undefined) {
    const final = code === "EENVELOPE"
    const what = final
      ? "can't send to this recipient"
      : `couldn't be reached, or not as required (${code}, ${command})`
    return new MailError({ message: `the mail server ${server} ${what}`, final })
  }
  const aboutMail = command === "RCPT TO" || command === "DATA"
  return new MailError({
    message: `the mail server ${server} answered ${responseCode} to ${command}`,
    final: aboutMail && responseCode >= 500 && code !== "EAUTH"
  })
}

/**
 * How TLS begins on a `smtp:` connection: never, always (the server must offer STARTTLS), or if the server offers
 * STARTTLS.
 */
const startTls = (written: string | null, loopback: boolean, ca: string | undefined) => {
  if (written === "off") return { ignoreTLS: true }
  if (written === "required" || !loopback) return { requireTLS: true, tls: ca === undefined ? {} : { ca } }
  // Nobody is between this machine and itself, so any certificate will do.
  return { tls: { rejectUnauthorized: false } }
}

/** Sends through a mail server (RFC 5321), with a connection for each mail. */
export const makeSmtp = ({ ca, from, timeoutMs = 15_000, ...options }: SmtpOptions): typeof MailTransport.Service => {
  const url = new URL(Redacted.value(options.url))
  const secure = url.protocol === "smtps:"
  const host = url.hostname.replace(/^\[|\]$/g, "")
  const port = url.port === "" ? (secure ? 465 : 587) : Number(url.port)
  const user = decodeURIComponent(url.username)
  const transport = createTransport({
    host,
    port,
    secure,
    ...(secure ? { tls: ca === undefined ? {} : { ca } } : startTls(url.searchParams.get("tls"), isLoopback(host), ca)),
    ...(user === "" ? {} : { auth: { user, pass: decodeURIComponent(url.password) } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true
  })
  const domain = /@([^\s<>@]+?)>?$/.exec(from)?.[1] ?? "localhost"
  return {
    name: "smtp",
    send: Effect.fn("MailTransport.send")((message, id) =>
      Effect.tryPromise({
        try: () =>
          transport.sendMail({
            from,
            // An address, never a list of them.
            to: { name: "", address: message.to },
            subject: message.subject,
            text: message.text,
            messageId: `<${id}@${domain}>`,
            // RFC 3834, 5: suppresses absence notices.
            headers: { "Auto-Submitted": "auto-generated" }
          }),
        catch: (cause) => explain(`${host}:${port}`, cause)
      }).pipe(Effect.asVoid)
    )
  }
}
