import { Duration, Effect, Option, Redacted, Schedule, Schema } from "effect"
import type { DataKeys, Place } from "../../base/keys/DataKeys.ts"
import { within } from "../../base/node/monotonic.ts"
import { keptSeconds, mailBackoffMs } from "./backoff.ts"
import { type Mail, MailError, type MailTransport } from "./Mail.ts"
import type { LeasedMail, makeOutbox } from "./outboxRows.ts"

export type Outbox = Effect.Effect.Success<ReturnType<typeof makeOutbox>>

const Sealed = Schema.parseJson(Schema.Struct({ to: Schema.String, subject: Schema.String, text: Schema.String }))
const encode = Schema.encodeSync(Sealed)
const decode = Schema.decodeUnknownOption(Sealed)

const placeOf = (id: string): Place => ["mail", id]
const owner = { type: "server" } as const

/** As stored in the outbox. */
export const sealMail = (keys: typeof DataKeys.Service, id: string, message: Parameters<typeof Mail.Service.add>[1]) =>
  keys.seal(owner, placeOf(id), Redacted.make(encode(message)))

const send = (
  keys: typeof DataKeys.Service,
  transport: typeof MailTransport.Service,
  leaseMs: number,
  { id, sealed }: LeasedMail
) =>
  Effect.gen(function* () {
    const opened = yield* keys
      .open(owner, placeOf(id), sealed)
      .pipe(Effect.mapError((cause) => new MailError({ message: cause.message, final: cause.reason === "wrong" })))
    const message = Option.flatMap(opened, (found) => decode(Redacted.value(found)))
    if (Option.isNone(message)) return yield* new MailError({ message: "its key was erased", final: true })
    yield* transport.send(message.value, id)
  }).pipe(
    Effect.timeoutFail({
      duration: Duration.millis(leaseMs * 0.75),
      onTimeout: () => new MailError({ message: `${transport.name} didn't accept it in time`, final: false })
    }),
    Effect.catchAllDefect((cause) => new MailError({ message: "couldn't send it", final: false, cause }))
  )

const failed = (outbox: Outbox, mail: LeasedMail, error: MailError) => {
  const { attempts, id, kind } = mail
  const about = Effect.annotateLogs({ mail: id, kind, attempts })
  const ms = mailBackoffMs(attempts, error.retryAfterMs)
  if (error.final || mail.ageSeconds + ms / 1000 > keptSeconds(kind)) {
    return outbox
      .remove(id)
      .pipe(Effect.andThen(Effect.logError(`Couldn't send a mail, and gave up. ${error.message}`).pipe(about)))
  }
  return outbox
    .retryIn(mail, ms, error.message)
    .pipe(
      Effect.andThen(
        (attempts === 1 ? Effect.logWarning : Effect.logDebug)(
          `Couldn't send a mail. Retrying in ${Math.ceil(ms / 1000)} s. ${error.message}`
        ).pipe(about)
      )
    )
}

/** Sends a mail and removes it from the outbox. If that fails, schedules the next attempt, or removes it permanently. */
export const deliverMail = (
  outbox: Outbox,
  keys: typeof DataKeys.Service,
  transport: typeof MailTransport.Service,
  leaseMs: number,
  mail: LeasedMail
) =>
  Effect.matchEffect(send(keys, transport, leaseMs, mail), {
    // The database may be unreachable for a moment. A mail that stays in the outbox is sent again.
    onSuccess: () => Effect.retry(outbox.remove(mail.id), Schedule.spaced("250 millis").pipe(within(leaseMs / 4))),
    onFailure: (error) => failed(outbox, mail, error)
  }).pipe(Effect.catchAllCause((cause) => Effect.logWarning("Couldn't write the outbox.", cause)))
