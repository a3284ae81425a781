import type { SqlError } from "@effect/sql/SqlError"
import type { UserId } from "@maxcloud/sdk/api"
import { Context, Data, type Effect } from "effect"
import type { MasterKeyError } from "../../base/keys/MasterKey.ts"

/** One mail. Plain text is enough for all of ours; links stand on a line of their own. */
export interface Message {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** A mail was not taken. `final`: trying again is of no use (the address is refused). */
export class MailError extends Data.TaggedError("MailError")<{
  readonly message: string
  readonly final: boolean
  /** The receiving server's request to wait. */
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}> {}

/** Sends mail by one of the adapters: Resend, SMTP, or the server's log (development). */
export class MailTransport extends Context.Tag("@maxcloud/server/MailTransport")<
  MailTransport,
  {
    readonly name: "resend" | "smtp" | "log"
    /** `id` is the same each time a mail is tried: by it, whoever takes the mail knows one that it has taken already. */
    readonly send: (message: Message, id: string) => Effect.Effect<void, MailError>
  }
>() {}

/** The purpose of a mail. */
export type MailKind = "verify" | "signIn" | "invite" | "registered" | "deletion" | "webhook"

/** The outbox: a mail that is added in a transaction is sent once that is committed, again and again until it is taken. */
export class Mail extends Context.Tag("@maxcloud/server/Mail")<
  Mail,
  {
    /** In the open transaction, if there is one. `userId`: the person, so that the mail is deleted with the account. `kind`: for the log. */
    readonly add: (kind: MailKind, message: Message, userId?: UserId) => Effect.Effect<void, SqlError | MasterKeyError>
  }
>() {}
