import { Effect } from "effect"
import pg from "pg"
import { applyMigration } from "./applyMigration.ts"
import { DatabaseError } from "./DatabaseError.ts"
import { type Migration, migrations } from "./migrations/index.ts"

// "maxcloud" in hexadecimal digits of ASCII, cut to what a lock's number may have.
const lock = "0x6d6178636c6f75"

/**
 * Gives the server's role its rights on the tables: after migrations, and where it has none yet, as a new role has. Tables that a later
 * version makes are its own at once, for the servers of this version that go on beside it.
 */
const giveRights = async (client: pg.ClientBase, serverRole: string, changed: boolean) => {
  const { rows } = await client.query<{ needed: boolean; version: number }>(
    `select current_user <> $1::name and ($2 or not bool_and(has_table_privilege($1::name, c.oid, 'insert'))) as needed,
       current_setting('server_version_num')::int as version
     from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> 'migrations'`,
    [serverRole, changed]
  )
  if (rows[0]?.needed !== true) return
  const role = pg.escapeIdentifier(serverRole)
  // MAINTAIN, for the vacuum after an erasure, is a right of its own since Postgres 17.
  const rights = `select, insert, update, delete${rows[0].version >= 170_000 ? ", maintain" : ""}`
  await client.query("begin")
  try {
    await client.query(`grant usage on schema public to ${role}`)
    await client.query(`grant ${rights} on all tables in schema public to ${role}`)
    await client.query(`alter default privileges in schema public grant ${rights} on tables to ${role}`)
    await client.query(`revoke all on migrations from ${role}`)
    await client.query("commit")
  } catch (error) {
    await client.query("rollback")
    throw error
  }
}

/**
 * Brings the tables up to date, as the role that owns them, one server at a time; gives `serverRole` its rights on them.
 * Each migration is a transaction of its own.
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
        const applied = new Set(rows.map((_) => _.id))
        const newest = Math.max(0, ...applied)
        if (newest > (all.at(-1)?.id ?? 0)) {
          throw new DatabaseError({
            reason: "migration",
            message: `The database was written by a newer version of max-cloud (its tables are at ${newest}, this version knows ${all.at(-1)?.id}). Run that version.`
          })
        }
        const open = all.filter((_) => !applied.has(_.id))
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
            message: `The tables cannot be brought up to date: ${cause instanceof Error ? cause.message : String(cause)}`,
            cause
          })
  })

/**
 * The audit log is never changed by the server, be it that its role owns the tables: its rights go, whoever gave them and when.
 * The triggers on the tables stop all others.
 */
const keepAppendOnly = async (client: pg.ClientBase, serverRole: string) => {
  const { rows } = await client.query<{ known: boolean }>("select to_regclass('audit_entries') is not null as known")
  if (rows[0]?.known !== true) return
  const role = pg.escapeIdentifier(serverRole)
  await client.query(
    `revoke update, delete, truncate on audit_entries, audit_checkpoints from ${role};
     revoke delete, truncate on audit_heads from ${role}`
  )
}
