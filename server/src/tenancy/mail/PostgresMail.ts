import { Duration, Effect, FiberSet, Layer, Queue } from "effect"
import { Notifications } from "../../base/database/Notifications.ts"
import { newId } from "../../base/database/newId.ts"
import { asServer } from "../../base/database/RowScope.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import { endWithin } from "../../base/node/endWithin.ts"
import { deliverMail, type Outbox, sealMail } from "./deliverMail.ts"
import { Mail, MailTransport } from "./Mail.ts"
import { type LeasedMail, makeOutbox } from "./outboxRows.ts"

export interface OutboxOptions {
  /** How long a server has for one mail before another takes it. @default 60 seconds */
  readonly leaseMs?: number
  /** How often to look without a wake-up, which may be lost. @default 1 second */
  readonly lookMs?: number
  /** Mails that are sent at a time. @default 4 */
  readonly concurrency?: number
  /** How long mails in progress get to finish when the server stops. @default 5 seconds */
  readonly drainMs?: number
}

/** Delivers what is due, `concurrency` mails at a time, until the scope ends. */
const work = (
  outbox: Outbox,
  { concurrency, drainMs, lookMs }: Required<Omit<OutboxOptions, "leaseMs">>,
  deliver: (mail: LeasedMail) => Effect.Effect<void>
) =>
  Effect.gen(function* () {
    const messages = yield* Notifications.pipe(Effect.flatMap((found) => found.subscribe))
    const wake = Queue.take(messages).pipe(
      Effect.repeat({ until: (value) => value === "mail" || value === "reconnected" }),
      Effect.timeoutOption(Duration.millis(lookMs))
    )
    const slots = yield* Effect.makeSemaphore(concurrency)
    const sending = yield* FiberSet.make()
    yield* Effect.addFinalizer(() => FiberSet.awaitEmpty(sending).pipe(endWithin(Duration.millis(drainMs))))
    const next = Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        yield* restore(slots.take(1))
        const mail = yield* outbox.claim.pipe(Effect.onError(() => slots.release(1)))
        if (mail === undefined) {
          yield* slots.release(1)
          return yield* restore(wake)
        }
        yield* FiberSet.run(sending, Effect.interruptible(deliver(mail)).pipe(Effect.ensuring(slots.release(1))))
      })
    )
    yield* next.pipe(
      Effect.catchAllCause((cause) =>
        Effect.logDebug("the outbox is not read", cause).pipe(Effect.andThen(Effect.sleep(Duration.millis(lookMs))))
      ),
      Effect.forever,
      asServer,
      Effect.forkScoped
    )
  })

/**
 * `Mail` in the table `mail_outbox`, and the worker that sends what is there. While a lease holds no other server sends the mail; a
 * server that dies between sending and deleting leaves one that is sent again, which Resend knows by its key, and a mail server does
 * not. The log never tells an address or a text.
 */
export const layer = ({ concurrency = 4, drainMs = 5_000, leaseMs = 60_000, lookMs = 1_000 }: OutboxOptions = {}) =>
  Layer.scoped(
    Mail,
    Effect.gen(function* () {
      const outbox = yield* makeOutbox(leaseMs)
      const keys = yield* DataKeys
      const transport = yield* MailTransport
      yield* work(outbox, { concurrency, drainMs, lookMs }, (mail) =>
        deliverMail(outbox, keys, transport, leaseMs, mail)
      )

      return {
        add: Effect.fn("Mail.add")(function* (kind, message, userId) {
          const id = newId("mail")
          const sealed = yield* sealMail(keys, id, message)
          yield* asServer(outbox.insert(id, kind, sealed, userId))
        })
      }
    })
  )
