import { type SqlClient, TransactionConnection } from "@effect/sql/SqlClient"
import { Effect, Option, type Scope } from "effect"
import { inTransaction } from "../../base/database/sqlErrors.ts"
import { storableJson } from "../../base/database/storable.ts"
import type { DataKeys } from "../../base/keys/DataKeys.ts"
import { stateOf } from "../../base/postgres/sqlState.ts"
import { RequestId } from "../../base/words/RequestId.ts"
import { ClientAddress, CurrentCaller } from "../access/Caller.ts"
import { KeyedRequest } from "../repeats/KeyedRequest.ts"
import { EntryNoted, type Happening } from "./Audit.ts"
import { actorOf } from "./actorOf.ts"
import type { EntryRow } from "./auditRows.ts"
import { type Chain, inChain } from "./chain.ts"
import { makeGroupCommit } from "./groupCommit.ts"
import { sealPersonal, sealSubject } from "./sealing.ts"

type NewEntry = Omit<EntryRow, "organization_id" | "sequence" | "at" | "hash">

const base64 = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString("base64"))

/** In the form it's sent in: JSON has no bytes. */
const sent = (entry: NewEntry) => ({
  ...entry,
  personal: base64(entry.personal),
  personal_digest: base64(entry.personal_digest),
  subject: base64(entry.subject),
  subject_digest: base64(entry.subject_digest)
})

/**
 * Appends with the database's own function, the only way to add entries. It sets the number, the time and the hash, and
 * nobody else can append to the chain until the transaction ends.
 */
const chained = (sql: SqlClient, chain: Chain, entries: ReadonlyArray<NewEntry>) =>
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
    // The head doesn't fit. Log how to fix it, whatever happens to the error.
    Effect.tapError(({ cause }) =>
      stateOf(cause) === "XX001" && cause instanceof Error ? Effect.logError(cause.message) : Effect.void
    )
  )

const entryOf = (keys: typeof DataKeys.Service, chain: Chain, happening: Happening) =>
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

/** Appends entries in a transaction of their own, which other callers' entries may share. */
export const makeOwnAppend = (sql: SqlClient, scope: Scope.Scope) =>
  makeGroupCommit<NewEntry>(
    (chain, entries) => inChain(chain)(inTransaction(sql, Effect.asVoid(chained(sql, chain, entries)))),
    scope
  )

/** In the open transaction, or else in one of its own (`appendOwn`). */
export const appendEntries = (
  sql: SqlClient,
  keys: typeof DataKeys.Service,
  appendOwn: ReturnType<typeof makeOwnAppend>,
  first: Happening,
  more: ReadonlyArray<Happening>
) =>
  Effect.gen(function* () {
    const caller = yield* CurrentCaller
    const chain = first.organizationId ?? caller?.organization.id ?? "server"
    // Seal before the chain is locked: creating a key takes a while.
    const entries = yield* Effect.forEach([first, ...more], (value) => entryOf(keys, chain, value))
    const keyed = yield* KeyedRequest
    const note = keyed === undefined || first.outcome !== "succeeded" ? undefined : keyed.note()
    const write = Effect.zipRight(note ?? Effect.void, inChain(chain)(chained(sql, chain, entries)))
    const isOpen = Option.isSome(yield* Effect.serviceOption(TransactionConnection))
    // What the writer does in its transaction is committed with its entry, or neither is.
    yield* isOpen ? write : note === undefined ? appendOwn(chain, entries) : inTransaction(sql, write)
    yield* yield* EntryNoted
  })
