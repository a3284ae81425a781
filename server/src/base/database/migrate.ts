import { Effect } from "effect"
import pg from "pg"
import { errorText } from "../host/systemFault.ts"
import { DatabaseError } from "../postgres/DatabaseError.ts"
import { applyMigration } from "./applyMigration.ts"
import { type Migration, migrations } from "./migrations/index.ts"

// "maxcloud" as the hexadecimal digits of its ASCII, cut to the size of a lock's number.
const lock = "0x6d6178636c6f75"

/**
 * Grants the server's role its rights on the tables, except on the audit log. Runs after migrations, and for a role that
 * has no rights yet. Default privileges also grant it rights on tables of a later version, for servers of this version
 * that keep running beside it.
 */
const giveRights = async (client: pg.ClientBase, serverRole: string, changed: boolean) => {
  const { rows } = await client.query<{ needed: boolean; version: number }>(
    `select current_user <> $1::name and ($2 or not bool_and(has_table_privilege($1::name, c.oid, 'select'))) as needed,
       current_setting('server_version_num')::int as version
     from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> 'migrations'`,
    [serverRole, changed]
  )
  if (rows[0]?.needed !== true) return
  const role = pg.escapeIdentifier(serverRole)
  // MAINTAIN, for the vacuum after an erasure, is a separate right since Postgres 17.
  const rights = `select, insert, update, delete${rows[0].version >= 170_000 ? ", maintain" : ""}`
  await client.query("begin")
  try {
    await client.query(`grant usage on schema public to ${role}`)
    await client.query(`grant ${rights} on all tables in schema public to ${role}`)
    await client.query(`alter default privileges in schema public grant ${rights} on tables to ${role}`)
    await client.query(`revoke all on migrations from ${role}`)
    await keepAppendOnly(client, serverRole)
    await client.query("commit")
  } catch (error) {
    await client.query("rollback")
    throw error
  }
}

/**
 * Migrates the tables as the role that owns them, one server at a time, and grants `serverRole` its rights on them. Each
 * migration is a transaction of its own.
 */
export const migrate = (
  client: pg.ClientBase,
  serverRole: string,
  all: ReadonlyArray<Migration> = migrations
): Effect.Effect<void, DatabaseError> =>
  Effect.tryPromise({
    try: async () => {
      await client.query(`select pg_advisory_lock(${BigInt(lock)})`)
      try {
        await client.query(
          "create table if not exists migrations (id integer primary key, name text not null, applied_at timestamptz not null default now())"
        )
        const { rows } = await client.query<{ id: number }>("select id from migrations")
        const applied = new Set(rows.map((row) => row.id))
        const newest = Math.max(0, ...applied)
        if (newest > (all.at(-1)?.id ?? 0)) {
          throw new DatabaseError({
            reason: "migration",
            message: `The database was written by a newer version of max-cloud (its tables are at ${newest}, this version knows ${all.at(-1)?.id}). Run that version.`
          })
        }
        const open = all.filter((each) => !applied.has(each.id))
        for (const migration of open) {
          await applyMigration(client, migration)
        }
        await giveRights(client, serverRole, open.length > 0)
        await keepAppendOnly(client, serverRole)
      } finally {
        await client.query(`select pg_advisory_unlock(${BigInt(lock)})`)
      }
    },
    catch: (cause) =>
      cause instanceof DatabaseError
        ? cause
        : new DatabaseError({
            reason: "migration",
            message: `Couldn't migrate the tables. ${errorText(cause, "the database")}`,
            cause
          })
  })

/**
 * The server never changes the audit log: its role reads it, signs checkpoints, and appends with `audit_append`. Any
 * other right is revoked, whoever granted it and when. A role that owns the tables itself needs some of them for that
 * function, so then only the triggers protect the log.
 */
const keepAppendOnly = async (client: pg.ClientBase, serverRole: string) => {
  const { rows } = await client.query<{ known: boolean; appends: boolean; owns: boolean }>(
    `select to_regclass('public.audit_entries') is not null as known, to_regproc('public.audit_append') is not null as appends,
       current_user = $1::name as owns`,
    [serverRole]
  )
  if (rows[0]?.known !== true) return
  const role = pg.escapeIdentifier(serverRole)
  await client.query(
    rows[0].owns || !rows[0].appends
      ? `revoke update, delete, truncate on audit_entries, audit_checkpoints from ${role};
         revoke delete, truncate on audit_heads from ${role}`
      : `revoke all on audit_entries, audit_checkpoints, audit_heads from ${role};
         grant select on audit_entries, audit_checkpoints, audit_heads to ${role};
         grant insert on audit_checkpoints to ${role};
         grant execute on function audit_append to ${role}`
  )
}
