import { Effect, Layer } from "effect"
import { workLeased } from "../../base/database/leasedWork.ts"
import { newId } from "../../base/database/newId.ts"
import { asServer } from "../../base/database/RowScope.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import { deliverMail, sealMail } from "./deliverMail.ts"
import { Mail, MailTransport } from "./Mail.ts"
import { makeOutbox } from "./outboxRows.ts"

export interface OutboxOptions {
  /** How long a server has for one mail before another takes it. @default 60 seconds */
  readonly leaseMs?: number
  /** How often to poll, because a wake-up can be lost. @default 1 second */
  readonly lookMs?: number
  /** Mails sent at a time. @default 4 */
  readonly concurrency?: number
  /** How long mails in progress may take to finish when the server stops. @default 5 seconds */
  readonly drainMs?: number
}

/**
 * `Mail` in the table `mail_outbox`, and the worker that sends its mails. During a lease no other server sends the mail.
 * If a server dies between sending and deleting, the mail is sent again: Resend recognizes its key, a mail server
 * doesn't. The log never contains an address or a text.
 */
export const layer = ({ concurrency = 4, drainMs = 5_000, leaseMs = 60_000, lookMs = 1_000 }: OutboxOptions = {}) =>
  Layer.scoped(
    Mail,
    Effect.gen(function* () {
      const outbox = yield* makeOutbox(leaseMs)
      const keys = yield* DataKeys
      const transport = yield* MailTransport
      yield* workLeased({
        name: "the outbox",
        wakeUp: "mail",
        lookMs,
        concurrency,
        drainMs,
        claim: outbox.claim,
        work: (mail) => deliverMail(outbox, keys, transport, leaseMs, mail)
      })

      return {
        add: Effect.fn("Mail.add")(function* (kind, message, userId) {
          const id = newId("mail")
          const sealed = yield* sealMail(keys, id, message)
          yield* asServer(outbox.insert(id, kind, sealed, userId))
        })
      }
    })
  )
