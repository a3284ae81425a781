import { Effect } from "effect"
import pg from "pg"
import { DatabaseError } from "./DatabaseError.ts"
import { type Migration, migrations } from "./migrations/index.ts"

// "maxcloud" in hexadecimal digits of ASCII, cut to what a lock's number may have.
const lock = "0x6d6178636c6f75"

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
          await client.query("begin")
          try {
            await client.query(migration.sql)
            await client.query("insert into migrations (id, name) values ($1, $2)", [migration.id, migration.name])
            await client.query("commit")
          } catch (error) {
            await client.query("rollback")
            throw error
          }
        }
        const { rows: roles } = await client.query<{ current: string }>("select current_user as current")
        if (open.length > 0 && roles[0]?.current !== serverRole) {
          const role = pg.escapeIdentifier(serverRole)
          await client.query(`grant usage on schema public to ${role}`)
          await client.query(`grant select, insert, update, delete on all tables in schema public to ${role}`)
          // For the vacuum after an erasure: a right of its own since Postgres 17.
          const { rows: versions } = await client.query<{ n: number }>(
            "select current_setting('server_version_num')::int as n"
          )
          if ((versions[0]?.n ?? 0) >= 170_000) {
            await client.query(`grant maintain on all tables in schema public to ${role}`)
          }
          await client.query(`revoke all on migrations from ${role}`)
        }
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
