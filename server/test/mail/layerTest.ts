import type { UserId } from "@maxcloud/sdk/api"
import { Context, Effect, Layer, Ref } from "effect"
import { Mail, type MailKind, type Message } from "../../src/tenancy/mail/Mail.ts"

export interface SentMail extends Message {
  readonly kind: MailKind
  readonly userId: UserId | undefined
}

/** All added mails, oldest first. */
export class Mailbox extends Context.Tag("@maxcloud/server/Mailbox")<
  Mailbox,
  { readonly mails: Effect.Effect<ReadonlyArray<SentMail>> }
>() {}

/** `Mail` that only remembers: it keeps even the mails of a rolled-back transaction. */
export const layerTest: Layer.Layer<Mail | Mailbox> = Layer.effectContext(
  Effect.map(Ref.make<ReadonlyArray<SentMail>>([]), (mails) =>
    Context.make(Mailbox, { mails: Ref.get(mails) }).pipe(
      Context.add(Mail, {
        add: (kind, message, userId) => Ref.update(mails, (all) => [...all, { ...message, kind, userId }])
      })
    )
  )
)
