import { existsSync, readFileSync } from "node:fs"
import { Effect } from "effect"
import type pg from "pg"
import { DatabaseError, databaseWords } from "../postgres/DatabaseError.ts"
import { markOfSetAside } from "../postgres/restoreMark.ts"

/** Exists while a backup is restored. It survives a killed restore, because the database may then contain erased data. */
const mark = "restore_underway"

export const markRestoring = (client: pg.ClientBase) => client.query(`create table if not exists ${mark} ()`)

export const unmarkRestoring = (client: pg.ClientBase) => client.query(`drop table if exists ${mark}`)

export const isRestoring = async (client: pg.ClientBase): Promise<boolean> => {
  const { rows } = await client.query<{ there: boolean }>(`select to_regclass('public.${mark}') is not null as there`)
  return rows[0]?.there === true
}

/**
 * Fails while a backup is being restored into the database, or after a restore was interrupted. `next`: the way to
 * continue.
 */
export const refuseRestoring = (client: pg.ClientBase, next: string): Effect.Effect<void, DatabaseError> =>
  Effect.tryPromise({
    try: () => isRestoring(client),
    catch: (cause) => new DatabaseError({ reason: "failed", message: databaseWords(cause), cause })
  }).pipe(
    Effect.flatMap((restoring) =>
      restoring
        ? new DatabaseError({
            reason: "restoring",
            message: `A backup is being restored here, or a restore was interrupted, and erased data may be back. If no \`maxcloud server restore\` is running, ${next}`
          })
        : Effect.void
    )
  )

/** The way to continue after a restore into a data folder was interrupted. The present files are kept. */
export const restoreAgain = (dataDir: string): string =>
  `restore again: maxcloud server restore FILE --data-dir ${dataDir} --set-aside. The present files are kept beside the new ones.`

/** The way to continue after a restore into the operator's own database was interrupted. */
export const intoAnother =
  "restore again into another, empty database: create database NAME, and name it in DATABASE_URL. This one stays unchanged."

/**
 * Fails if a restore has set the former database aside, and was interrupted before the new one was complete: a server
 * would start with an empty one.
 */
export const refuseBrokenOff = (dataDir: string): Effect.Effect<void, DatabaseError> =>
  Effect.suspend(() => {
    const mark = markOfSetAside(dataDir)
    return existsSync(mark)
      ? new DatabaseError({
          reason: "restoring",
          message: `A restore into ${dataDir} was interrupted. The former data is in ${readFileSync(mark, "utf8").trim().replaceAll("\n", ", ")}. If no \`maxcloud server restore\` is running, ${restoreAgain(dataDir)}`
        })
      : Effect.void
  })
