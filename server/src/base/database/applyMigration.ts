import { setTimeout as sleep } from "node:timers/promises"
import type pg from "pg"
import { DatabaseError } from "../postgres/DatabaseError.ts"
import { stateOf } from "../postgres/sqlState.ts"
import type { Migration } from "./migrations/index.ts"

/**
 * Shorter than the time after which Postgres checks for deadlocks (1 s). So in a deadlock the migration gives way, never
 * a statement of a server running beside it. Statements that arrive meanwhile wait no longer than this.
 */
const lockMillis = 800
/** For all attempts together. */
const patienceMillis = 120_000
const longestMillis = 600_000

/** Every existing table at once, so that a migration never waits for one while it holds another. */
const lockAll = async (client: pg.ClientBase) => {
  const { rows } = await client.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> 'migrations' order by c.oid`
  )
  if (rows.length === 0) return
  await client.query(`set local statement_timeout = ${lockMillis}`)
  await client.query(`lock table ${rows.map((row) => row.name).join(", ")} in access exclusive mode`)
}

/**
 * Applies a migration in a transaction of its own, while servers of the previous version run. It waits for their locks
 * in short attempts, and they wait for it only once it has all locks. If it fails, nothing of it remains.
 */
export const applyMigration = async (client: pg.ClientBase, migration: Migration): Promise<void> => {
  const deadline = performance.now() + patienceMillis
  for (;;) {
    try {
      await client.query("begin")
      await lockAll(client)
      await client.query(`set local statement_timeout = ${longestMillis}`)
      await client.query(`set local lock_timeout = ${lockMillis}`)
      await client.query(migration.sql)
      await client.query("insert into migrations (id, name) values ($1, $2)", [migration.id, migration.name])
      await client.query("commit")
      return
    } catch (error) {
      await client.query("rollback")
      const wasBusy = /^(57014|55P03|40P01)$/.test(stateOf(error) ?? "")
      if (!wasBusy) throw error
      if (performance.now() > deadline) {
        throw new DatabaseError({
          reason: "migration",
          message: `The tables are constantly in use (migration ${migration.name}). End transactions that stay open (select pid, query from pg_stat_activity where xact_start < now() - interval '1 minute'), and start again.`,
          cause: error
        })
      }
      await sleep(50 + Math.random() * 200)
    }
  }
}
