import type { SqlError } from "@effect/sql/SqlError"
import type { UserId } from "@maxcloud/sdk/api"
import { Context, Data, type Effect, Schema } from "effect"
import type { MasterKeyError } from "../../base/keys/MasterKey.ts"

/** One mail, as plain text. Links are on a line of their own. */
export interface Message {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** A mail wasn't accepted. `final`: retrying is useless (the address is refused). */
export class MailError extends Data.TaggedError("MailError")<{
  readonly message: string
  readonly final: boolean
  /** The receiving server's request to wait. */
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}> {}

/** Sends mail through one of the adapters: Resend, SMTP, or the server's log (development). */
export class MailTransport extends Context.Tag("@maxcloud/server/MailTransport")<
  MailTransport,
  {
    readonly name: "resend" | "smtp" | "log"
    /** `id` is the same for each attempt of a mail, so that the receiver can recognize duplicates. */
    readonly send: (message: Message, id: string) => Effect.Effect<void, MailError>
  }
>() {}

/** The purpose of a mail. */
export const MailKind = Schema.Literal("verify", "signIn", "invite", "registered", "deletion", "webhook")
export type MailKind = typeof MailKind.Type

/** The outbox: a mail added in a transaction is sent once that's committed, with retries until it's accepted. */
export class Mail extends Context.Tag("@maxcloud/server/Mail")<
  Mail,
  {
    /**
     * In the open transaction, if there is one. `userId`: the person, so that the mail is deleted with the account.
     * `kind`: for the log.
     */
    readonly add: (kind: MailKind, message: Message, userId?: UserId) => Effect.Effect<void, SqlError | MasterKeyError>
  }
>() {}
