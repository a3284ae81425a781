import type pg from "pg"
import { inOrder } from "../../base/database/inOrder.ts"
import { BackupError } from "./BackupError.ts"

export interface Table {
  readonly name: string
  readonly columns: ReadonlyArray<string>
}

/** Servers find each other by these tables. The applied migrations follow from the version, and a window belongs to one cluster. */
const notKept = ["migrations", "lease_holders", "replicas", "restore_window", "shards"]

/** The backed-up tables, each after those it references. Unlogged tables, which a crash empties, are left out. */
export const tablesOf = async (client: pg.ClientBase): Promise<ReadonlyArray<Table>> => {
  const { rows } = await client.query<Table & { needs: ReadonlyArray<string> }>(
    `select c.relname as name,
       array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         and a.attgenerated = '' order by a.attnum) as columns,
       array(select r.relname::text from pg_constraint k join pg_class r on r.oid = k.confrelid
         where k.conrelid = c.oid and k.contype = 'f' and k.confrelid <> c.oid) as needs
     from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relpersistence = 'p'
       and c.relname <> all ($1) order by c.relname`,
    [notKept]
  )
  return inOrder(rows)
}

/** The newest migration applied to a database; 0 if it has no tables. */
export const migrationOf = async (client: pg.ClientBase): Promise<number> => {
  const { rows } = await client.query<{ there: boolean; readable: boolean }>(
    `select c.oid is not null as there, coalesce(has_table_privilege(c.oid, 'select'), true) as readable
     from (select to_regclass('public.migrations') as oid) as c`
  )
  if (rows[0]?.there !== true) return 0
  if (!rows[0].readable) {
    throw new BackupError({
      reason: "database",
      message: "A backup needs the role that owns the tables. Set MAXCLOUD_MIGRATION_DATABASE_URL as on the server."
    })
  }
  const { rows: newest } = await client.query<{ id: number }>("select coalesce(max(id), 0) as id from migrations")
  return newest[0]?.id ?? 0
}
