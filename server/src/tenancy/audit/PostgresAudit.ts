import { SqlClient, TransactionConnection } from "@effect/sql/SqlClient"
import type { AuditEntry } from "@maxcloud/sdk/api"
import { Duration, Effect, Layer, Option, Stream } from "effect"
import { transaction } from "../../base/database/sqlErrors.ts"
import { storableJson } from "../../base/database/storable.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import { stateOf } from "../../base/postgres/sqlState.ts"
import { RequestId } from "../../base/words/RequestId.ts"
import { ClientAddress, CurrentCaller } from "../access/Caller.ts"
import { Audit, EntryNoted, type Happening } from "./Audit.ts"
import { actorOf } from "./actorOf.ts"
import { decodeEntries, type EntryRow, entryColumns, hex } from "./auditRows.ts"
import { type Chain, inChain } from "./chain.ts"
import { signDue } from "./checkpoints.ts"
import { exportLines } from "./exportLines.ts"
import { open, sealPersonal, sealSubject } from "./sealing.ts"

export interface AuditOptions {
  /** How often it is looked what has to be signed. @default 30 seconds */
  readonly checkpointsEvery?: Duration.DurationInput
}

type NewEntry = Omit<EntryRow, "organization_id" | "sequence" | "at" | "hash">

const base64 = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString("base64"))

/** As it is sent: JSON has no bytes. */
const sent = (entry: NewEntry) => ({
  ...entry,
  personal: base64(entry.personal),
  personal_digest: base64(entry.personal_digest),
  subject: base64(entry.subject),
  subject_digest: base64(entry.subject_digest)
})

/** `Audit` in the tables `audit_heads`, `audit_entries`, `audit_checkpoints`. */
export const layer = ({ checkpointsEvery = "30 seconds" }: AuditOptions = {}) =>
  Layer.scoped(
    Audit,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const keys = yield* DataKeys

      /**
       * By the database's own function, the only way to a new entry: the number, the time and the hash are its, and nobody else appends to
       * the chain until the transaction ends.
       */
      const chained = (chain: Chain, entries: ReadonlyArray<NewEntry>) =>
        sql`
        select public.audit_append(
          chain => ${chain}, action => e.action, outcome => e.outcome, status => e.status,
          actor_type => e.actor_type, actor_id => e.actor_id, credential_id => e.credential_id,
          person_id => e.person_id, request_id => e.request_id, before_digest => e.before_digest,
          after_digest => e.after_digest, personal_key_id => e.personal_key_id, personal => decode(e.personal, 'base64'),
          personal_digest => decode(e.personal_digest, 'base64'), subject_key_id => e.subject_key_id,
          subject => decode(e.subject, 'base64'), subject_digest => decode(e.subject_digest, 'base64'))
        from jsonb_to_recordset(${storableJson(entries.map(sent))}::jsonb) as e(
          action text, outcome text, status int, actor_type text, actor_id text, credential_id text, person_id text, request_id text,
          before_digest text, after_digest text, personal_key_id text, personal text, personal_digest text, subject_key_id text,
          subject text, subject_digest text)`.pipe(
          // The head doesn't fit: what to do about it must be in the server's log, whatever becomes of the error.
          Effect.tapError(({ cause }) =>
            stateOf(cause) === "XX001" && cause instanceof Error ? Effect.logError(cause.message) : Effect.void
          )
        )

      const entryOf = (chain: Chain, happening: Happening) =>
        Effect.gen(function* () {
          const caller = yield* CurrentCaller
          const address = yield* ClientAddress
          const requestId = yield* RequestId
          const actor = actorOf(caller, happening.person, address)
          const personId = actor.person?.id ?? null
          const personal = yield* sealPersonal(keys, chain, personId, {
            address: address ?? null,
            email: actor.person?.email ?? null,
            oidcSubject: actor.oidcSubject
          })
          const subject = yield* sealSubject(keys, chain, happening.subject)
          return {
            action: happening.action,
            outcome: happening.outcome,
            status: happening.status,
            actor_type: actor.type,
            actor_id: actor.id,
            credential_id: actor.credentialId,
            person_id: personId,
            request_id: requestId === "none" ? null : requestId,
            before_digest: happening.before ?? null,
            after_digest: happening.after ?? null,
            personal_key_id: personal?.keyId ?? null,
            personal: personal?.bytes ?? null,
            personal_digest: personal?.digest ?? null,
            subject_key_id: subject.keyId,
            subject: subject.bytes,
            subject_digest: subject.digest
          } satisfies NewEntry
        })

      const append = Effect.fn("Audit.append")(function* (first: Happening, ...more: ReadonlyArray<Happening>) {
        const caller = yield* CurrentCaller
        const chain = first.organizationId ?? caller?.organization.id ?? "server"
        // Seal before the chain is locked: creating a key takes a while.
        const entries = yield* Effect.forEach([first, ...more], (_) => entryOf(chain, _))
        const write = chained(chain, entries)
        const isOpen = Option.isSome(yield* Effect.serviceOption(TransactionConnection))
        yield* inChain(chain)(isOpen ? write : transaction(write).pipe(Effect.provideService(SqlClient, sql)))
        yield* yield* EntryNoted
      })

      yield* signDue(keys).pipe(
        Effect.catchAllCause((cause) => Effect.logWarning("no checkpoint of the audit log can be signed", cause)),
        Effect.delay(Duration.decode(checkpointsEvery)),
        Effect.forever,
        Effect.provideService(SqlClient, sql),
        Effect.forkScoped
      )

      return {
        append,

        list: Effect.fn("Audit.list")(function* (chain, { action, before, limit }) {
          const rows = decodeEntries(
            yield* sql`
              select ${sql.literal(entryColumns)}
              from audit_entries where organization_id = ${chain}
                and sequence < ${before ?? Number.MAX_SAFE_INTEGER} and (${action ?? null}::text is null or action = ${action ?? null})
              order by sequence desc limit ${limit}`
          )
          return yield* Effect.forEach(rows, (row) =>
            Effect.map(
              open(keys, row),
              ({ personal, subject }): AuditEntry => ({
                sequence: row.sequence,
                at: row.at.toISOString(),
                action: row.action,
                outcome: row.outcome,
                status: row.status,
                actor: {
                  type: row.actor_type,
                  // What an issuer calls the one that it speaks of says more than the trust, which is the credential.
                  id: personal?.oidcSubject ?? row.actor_id,
                  credentialId: row.credential_id,
                  email: personal?.email ?? null,
                  address: personal?.address ?? null
                },
                subject: subject?.subject ?? null,
                beforeDigest: row.before_digest,
                afterDigest: row.after_digest,
                requestId: row.request_id,
                hash: hex(row.hash)
              })
            )
          )
        }),

        export: (chain, options) => exportLines(keys, chain, options).pipe(Stream.provideService(SqlClient, sql))
      }
    })
  )
