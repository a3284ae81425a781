import { Duration, Effect, FiberSet, Layer, Option, Queue, Redacted, Schedule, Schema } from "effect"
import { Notifications } from "../../base/database/Notifications.ts"
import { newId } from "../../base/database/newId.ts"
import { asServer } from "../../base/database/RowScope.ts"
import { DataKeys, type Place } from "../../base/keys/DataKeys.ts"
import { endWithin } from "../../base/node/endWithin.ts"
import { within } from "../../base/node/monotonic.ts"
import { keptSeconds, mailBackoffMs } from "./backoff.ts"
import { Mail, MailError, MailTransport } from "./Mail.ts"
import { type LeasedMail, makeOutbox } from "./outboxRows.ts"

export interface OutboxOptions {
  /** How long a server has for one mail before another takes it. @default 60 seconds */
  readonly leaseMs?: number
  /** How often it looks by itself: a wake-up may be lost. @default 1 second */
  readonly lookMs?: number
  /** Mails that are sent at a time. @default 4 */
  readonly concurrency?: number
  /** How long mails that are being sent get to end when the server stops. @default 5 seconds */
  readonly drainMs?: number
}

const Sealed = Schema.parseJson(Schema.Struct({ to: Schema.String, subject: Schema.String, text: Schema.String }))
const encode = Schema.encodeSync(Sealed)
const decode = Schema.decodeUnknownOption(Sealed)

const placeOf = (id: string): Place => ["mail", id]
const owner = { type: "server" } as const

/**
 * `Mail` in the table `mail_outbox`, and the worker that sends what is there. While a lease holds no other server sends the mail; a
 * server that dies between sending and deleting leaves one that is sent again, which Resend knows by its key, and a mail server does
 * not. The log never tells an address or a text.
 */
export const layer = (options: OutboxOptions = {}) => {
  const { concurrency = 4, drainMs = 5_000, leaseMs = 60_000, lookMs = 1_000 } = options
  return Layer.scoped(
    Mail,
    Effect.gen(function* () {
      const outbox = yield* makeOutbox(leaseMs)
      const keys = yield* DataKeys
      const transport = yield* MailTransport
      const notifications = yield* Notifications

      const send = ({ id, sealed }: LeasedMail) =>
        Effect.gen(function* () {
          const opened = yield* keys
            .open(owner, placeOf(id), sealed)
            .pipe(
              Effect.mapError((cause) => new MailError({ message: cause.message, final: cause.reason === "wrong" }))
            )
          const message = Option.flatMap(opened, (_) => decode(Redacted.value(_)))
          if (Option.isNone(message)) return yield* new MailError({ message: "its key was erased", final: true })
          yield* transport.send(message.value, id)
        }).pipe(
          Effect.timeoutFail({
            duration: Duration.millis(leaseMs * 0.75),
            onTimeout: () => new MailError({ message: `${transport.name} did not take it in time`, final: false })
          }),
          Effect.catchAllDefect((cause) => new MailError({ message: "sending it went wrong", final: false, cause }))
        )

      const failed = (mail: LeasedMail, error: MailError) => {
        const { attempts, id, kind } = mail
        const about = Effect.annotateLogs({ mail: id, kind, attempts })
        const ms = mailBackoffMs(attempts, error.retryAfterSeconds)
        if (error.final || mail.ageSeconds + ms / 1000 > keptSeconds(kind)) {
          return outbox
            .remove(id)
            .pipe(Effect.andThen(Effect.logError(`mail is given up: ${error.message}`).pipe(about)))
        }
        return outbox
          .retryIn(mail, ms, error.message)
          .pipe(
            Effect.andThen(
              (attempts === 1 ? Effect.logWarning : Effect.logDebug)(
                `mail is tried again later: ${error.message}`
              ).pipe(about)
            )
          )
      }

      const deliver = (mail: LeasedMail) =>
        Effect.matchEffect(send(mail), {
          // The database may be away for a moment: what this never deletes is sent again.
          onSuccess: () =>
            Effect.retry(outbox.remove(mail.id), Schedule.spaced("250 millis").pipe(within(leaseMs / 4))),
          onFailure: (error) => failed(mail, error)
        }).pipe(Effect.catchAll((cause) => Effect.logWarning("the outbox is not written", cause)))

      const messages = yield* notifications.subscribe
      const wake = Queue.take(messages).pipe(
        Effect.repeat({ until: (_) => _ === "mail" || _ === "reconnected" }),
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

      return {
        add: Effect.fn("Mail.add")(function* (kind, message, userId) {
          const id = newId("mail")
          const sealed = yield* keys.seal(owner, placeOf(id), Redacted.make(encode(message)))
          yield* asServer(outbox.insert(id, kind, sealed, userId))
        })
      }
    })
  )
}
