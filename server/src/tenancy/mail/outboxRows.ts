import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"
import { isDue } from "../../base/database/isDue.ts"
import { LeaseHolder } from "../../base/database/LeaseHolder.ts"
import { notifying } from "../../base/database/notifying.ts"
import type { SealedValue } from "../../base/keys/DataKeys.ts"
import { MailKind } from "./Mail.ts"

/** A mail that this server has to send, until its lease ends. */
export interface LeasedMail {
  readonly id: string
  readonly kind: MailKind
  readonly sealed: SealedValue
  /** Including this one. Another lease has another number, so it shows whether a row is still ours. */
  readonly attempts: number
  readonly ageSeconds: number
}

const Row = Schema.Struct({
  id: Schema.String,
  kind: MailKind,
  sealed_by: Schema.String,
  sealed: Schema.Uint8ArrayFromSelf,
  attempts: Schema.Int,
  age_seconds: Schema.Number
})
const decodeRows = Schema.decodeUnknownSync(Schema.Array(Row))

/** The maximum delay that a mail server can request (`mailBackoffMs`). */
const longestWaitMs = 86_400_000

const milliseconds = (sql: SqlClient, ms: number) => sql`${Math.round(ms)}::float8 * interval '1 millisecond'`

/** The table `mail_outbox`. */
export const makeOutbox = (leaseMs: number) =>
  Effect.map(Effect.all([SqlClient, LeaseHolder]), ([sql, { current }]) => ({
    insert: (id: string, kind: MailKind, sealed: SealedValue, userId: string | undefined) =>
      sql`
        insert into mail_outbox (id, kind, sealed_by, sealed, user_id)
        values (${id}, ${kind}, ${sealed.keyId}, ${Buffer.from(sealed.bytes)}, ${userId ?? null})`.pipe(
        Effect.zipRight(sql`select ${notifying(sql, "mail")}`),
        Effect.asVoid
      ),

    /** Leases the mail that has been due for the longest time, if any. */
    claim: Effect.suspend(
      () => sql`
      with due as (
        select id from mail_outbox
        where (attempts = 0 or ${isDue(sql, sql`available_at`, longestWaitMs)})
          and (lease_until is null or ${isDue(sql, sql`lease_until`, leaseMs)})
        order by available_at limit 1 for update skip locked
      )
      update mail_outbox m
      set attempts = m.attempts + 1, lease_until = clock_timestamp() + ${milliseconds(sql, leaseMs)},
        lease_holder = ${current()?.id ?? null}
      from due where m.id = due.id
      returning m.id, m.kind, m.sealed_by, m.sealed, m.attempts,
        extract(epoch from clock_timestamp() - m.created_at)::float8 as age_seconds`
    ).pipe(
      Effect.map((rows): LeasedMail | undefined => {
        const [row] = decodeRows(rows)
        return row === undefined
          ? undefined
          : {
              id: row.id,
              kind: row.kind,
              sealed: { keyId: row.sealed_by, bytes: row.sealed },
              attempts: row.attempts,
              ageSeconds: row.age_seconds
            }
      })
    ),

    /** Removes a finished mail, even if another server holds the lease now. */
    remove: (id: string) => sql`delete from mail_outbox where id = ${id}`.pipe(Effect.asVoid),

    retryIn: ({ attempts, id }: LeasedMail, ms: number, error: string) =>
      sql`
        update mail_outbox set lease_until = null, lease_holder = null, available_at = clock_timestamp() + ${milliseconds(sql, ms)},
          last_error = ${error}
        where id = ${id} and attempts = ${attempts}`.pipe(Effect.asVoid)
  }))
