import { randomBytes } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import { ErasureCertificate } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { storableJson } from "../../base/database/storable.ts"
import { signCertificate } from "./certificate.ts"

export const Entry = ErasureCertificate.fields.stores.value
export type Entry = typeof Entry.Type

const Row = Schema.Struct({
  id: Schema.String,
  subject_type: Schema.Literal("organization", "person"),
  subject_id: Schema.String,
  requested_at: Schema.DateFromSelf,
  erased_at: Schema.NullOr(Schema.DateFromSelf),
  stores: Schema.Array(Entry),
  certificate: Schema.NullOr(ErasureCertificate)
})
export type Erasure = typeof Row.Type
const decodeRows = Schema.decodeUnknownSync(Schema.Array(Row))

/** Unguessable: anyone who has it may read the certificate. */
export const newErasureId = () => `era_${randomBytes(16).toString("hex")}`

const columns = "id, subject_type, subject_id, requested_at, erased_at, stores, certificate"

export const findErasure = (id: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    return decodeRows(yield* sql`select ${sql.literal(columns)} from erasures where id = ${id}`)[0]
  })

/** The same, locked against changes until the transaction ends. */
const lockErasure = (id: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    return decodeRows(yield* sql`select ${sql.literal(columns)} from erasures where id = ${id} for update`)[0]
  })

export const insertErasure = (id: string, type: Erasure["subject_type"], subjectId: string) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`insert into erasures (id, subject_type, subject_id) values (${id}, ${type}, ${subjectId})`
  )

/** The state of an erasure until it is done. */
export const openCertificate = ({
  id,
  requested_at,
  stores,
  subject_id,
  subject_type
}: Erasure): ErasureCertificate => ({
  id,
  subject: { type: subject_type, id: subject_id },
  requestedAt: requested_at.toISOString(),
  erasedAt: null,
  stores,
  signature: "",
  keyId: ""
})

/**
 * Records a step, in the open transaction: `add` to the count of this store and action, or `atLeast` that count (for things that
 * are counted before they are deleted, and may be counted again after a crash).
 */
export const note = (id: string, entry: Entry, how: "add" | "atLeast") =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const erasure = yield* lockErasure(id)
    if (erasure === undefined || erasure.erased_at !== null) return
    const isIt = (each: Entry) => each.store === entry.store && each.action === entry.action
    const known = erasure.stores.find(isIt)
    const count = how === "add" ? (known?.count ?? 0) + entry.count : Math.max(known?.count ?? 0, entry.count)
    if (known?.count === count) return
    const stores =
      known === undefined
        ? [...erasure.stores, entry]
        : erasure.stores.map((store) => (isIt(store) ? { ...store, count } : store))
    yield* sql`update erasures set stores = ${storableJson(stores)}::jsonb where id = ${id}`
  })

/** Signs the certificate, in the open transaction; returns the existing one if the erasure was already completed. */
export const complete = (id: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const erasure = yield* lockErasure(id)
    if (erasure === undefined) return yield* Effect.dieMessage(`erasure ${id} is not there`)
    if (erasure.certificate !== null) return erasure.certificate
    const erasedAt = new Date()
    const certificate = yield* signCertificate({
      id,
      subject: { type: erasure.subject_type, id: erasure.subject_id },
      requestedAt: erasure.requested_at.toISOString(),
      erasedAt: erasedAt.toISOString(),
      stores: erasure.stores
    })
    yield* sql`
      update erasures set erased_at = ${erasedAt}, certificate = ${storableJson(certificate)}::jsonb where id = ${id}`
    return certificate
  })
