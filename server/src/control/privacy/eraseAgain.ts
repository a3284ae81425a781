import { SqlClient } from "@effect/sql/SqlClient"
import { Effect } from "effect"
import { transaction } from "../../base/database/sqlErrors.ts"
import { storableJson } from "../../base/database/storable.ts"
import type { JournalLine } from "./ErasureJournal.ts"
import { eraseOrganizationRows, erasePersonRows } from "./eraseRows.ts"

/**
 * Erases from a restored database the subjects that were erased after its backup was made, including their keys, and restores the
 * certificates. Each subject is a separate transaction; a missing one isn't an error. Needs access to the rows of all
 * organizations. Returns how many subjects had come back.
 */
export const eraseAgain = (journal: ReadonlyArray<JournalLine>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    let found = 0
    for (const { at, certificate, id, type } of journal) {
      const there = yield* transaction(
        Effect.gen(function* () {
          const table = type === "organization" ? "organizations" : "users"
          const rows = yield* sql`select 1 from ${sql(table)} where id = ${id}`
          if (type === "organization") yield* eraseOrganizationRows(id)
          else {
            yield* erasePersonRows(id, true)
            yield* sql`delete from person_keys where person_id = ${id}`
          }
          yield* sql`delete from erasures where subject_id = ${id} and erased_at is null`
          yield* sql`
            insert into erasures (id, subject_type, subject_id, requested_at, erased_at, stores, certificate)
            values (${certificate.id}, ${type}, ${id}, ${certificate.requestedAt}::timestamptz, ${at}::timestamptz,
              ${storableJson(certificate.stores)}::jsonb, ${storableJson(certificate)}::jsonb)
            on conflict do nothing`
          return rows.length > 0
        })
      )
      if (there) found++
    }
    return found
  })
