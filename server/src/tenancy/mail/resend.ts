import { retryAfterMsOf } from "@maxcloud/config-schema/plain"
import { ProxyFailed, proxiedFetch } from "@maxcloud/sdk/proxy"
import { Effect, Redacted, Schema } from "effect"
import { dayMs } from "../../base/node/backoff.ts"
import { MailError, type MailTransport, type Message } from "./Mail.ts"

const fetch = proxiedFetch()

export interface ResendOptions {
  readonly from: string
  readonly apiKey: Redacted.Redacted
  /** Base URL of the API, without a trailing slash. */
  readonly url: string
  /** @default 20 seconds */
  readonly timeoutMs?: number
}

// The only part of a refusal that we repeat: its message may contain the address.
const Refusal = Schema.parseJson(Schema.Struct({ name: Schema.String.pipe(Schema.pattern(/^[a-z_]{1,64}$/)) }))
const decodeRefusal = Schema.decodeUnknownOption(Refusal)

/**
 * Statuses after which the same request would be refused again. Not among them: a wrong API key or an unverified
 * sender's domain (401, 403), which an operator can fix, too many requests (429), and another attempt with this key in
 * progress (409).
 */
const isFinal = (status: number) => status >= 400 && status < 500 && ![401, 403, 408, 409, 425, 429].includes(status)

/**
 * Resend, `POST /emails`. The mail's id is its `Idempotency-Key`: Resend accepts a mail once in 24 hours, however often
 * it's sent. https://resend.com/docs/api-reference/emails/send-email
 */
export const makeResend = ({ apiKey, from, timeoutMs = 20_000, url }: ResendOptions): typeof MailTransport.Service => {
  const post = (message: Message, id: string) =>
    Effect.tryPromise({
      try: async (signal) => {
        const response = await fetch(`${url}/emails`, {
          method: "POST",
          // The API key goes nowhere else.
          redirect: "manual",
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
          headers: {
            authorization: `Bearer ${Redacted.value(apiKey)}`,
            "content-type": "application/json",
            "idempotency-key": id
          },
          body: JSON.stringify({ from, to: [message.to], subject: message.subject, text: message.text })
        })
        return { ok: response.ok, status: response.status, headers: response.headers, body: await response.text() }
      },
      catch: (cause) => {
        const why =
          cause instanceof ProxyFailed
            ? `is unreachable: ${cause.message}`
            : cause instanceof Error && cause.name === "TimeoutError"
              ? "didn't answer in time"
              : "is unreachable"
        return new MailError({ message: `Resend (${url}) ${why}`, final: false, cause })
      }
    })
  return {
    name: "resend",
    send: Effect.fn("MailTransport.send")(function* (message, id) {
      const { body, headers, ok, status } = yield* post(message, id)
      if (ok) return
      const reason = decodeRefusal(body)
      const named = reason._tag === "Some" ? ` (${reason.value.name})` : ""
      return yield* new MailError({
        message: `Resend (${url}) answered ${status}${named}`,
        final: isFinal(status),
        retryAfterMs: retryAfterMsOf(headers, dayMs)
      })
    })
  }
}
