import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"
import { inOrder } from "../../base/database/inOrder.ts"

/**
 * Tables with an organization in each row whose rows stay. The audit log outlives the organization: personal data in it, and data
 * about the organization, is sealed, and the keys are erased.
 */
export const keptTables: ReadonlyArray<string> = ["audit_heads", "audit_entries", "audit_checkpoints"]

/** Erased in a separate step: the data keys, after everything sealed with them. */
export const keyTables: ReadonlyArray<string> = ["organization_keys"]

const decodeTables = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ name: Schema.String })))
const decodeLinks = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ from: Schema.String, to: Schema.String })))

/** Every table with a column `organization_id`, read from the database itself, so that a new one can't be forgotten. */
export const tablesWithOrganization = Effect.gen(function* () {
  const sql = yield* SqlClient
  const rows = yield* sql`
    select c.relname as name from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
      and a.attname = 'organization_id' and not a.attisdropped
    order by c.relname`
  return decodeTables(rows).map((decodeTable) => decodeTable.name)
})

/** The tables whose rows are erased, each before the tables that it references. */
export const erasedTables = Effect.gen(function* () {
  const sql = yield* SqlClient
  const all = (yield* tablesWithOrganization).filter(
    (value) => !keptTables.includes(value) && !keyTables.includes(value)
  )
  const links = decodeLinks(
    yield* sql`
      select f.relname as "from", t.relname as "to" from pg_constraint k
      join pg_class f on f.oid = k.conrelid join pg_class t on t.oid = k.confrelid
      where k.contype = 'f' and f.relnamespace = current_schema()::regnamespace and f.oid <> t.oid`
  )
  const names = all.map((name) => ({ name, needs: links.flatMap((link) => (link.to === name ? [link.from] : [])) }))
  return inOrder(names).map((each) => each.name)
})
