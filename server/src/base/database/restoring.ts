import { existsSync, readFileSync } from "node:fs"
import { Effect } from "effect"
import type pg from "pg"
import { DatabaseError, databaseWords } from "../postgres/DatabaseError.ts"
import { markOfSetAside } from "../postgres/restoreMark.ts"

/** Exists while a backup is restored. It survives a killed restore, since the database may then contain erased data. */
const mark = "restore_underway"

export const markRestoring = (client: pg.ClientBase) => client.query(`create table if not exists ${mark} ()`)

export const unmarkRestoring = (client: pg.ClientBase) => client.query(`drop table if exists ${mark}`)

export const isRestoring = async (client: pg.ClientBase): Promise<boolean> => {
  const { rows } = await client.query<{ there: boolean }>(`select to_regclass('public.${mark}') is not null as there`)
  return rows[0]?.there === true
}

/** Fails while a backup is being restored into the database, or after a restore was cut off. `next`: the way to continue. */
export const refuseRestoring = (client: pg.ClientBase, next: string): Effect.Effect<void, DatabaseError> =>
  Effect.tryPromise({
    try: () => isRestoring(client),
    catch: (cause) => new DatabaseError({ reason: "failed", message: databaseWords(cause), cause })
  }).pipe(
    Effect.flatMap((restoring) =>
      restoring
        ? new DatabaseError({
            reason: "restoring",
            message: `A backup is being restored here, or that broke off before it was done, and what had been erased may be here again. If no \`maxcloud server restore\` runs any more, ${next}`
          })
        : Effect.void
    )
  )

/** The way to continue after a restore into a data folder was cut off. The present files are kept. */
export const restoreAgain = (dataDir: string): string =>
  `restore again: maxcloud server restore FILE --data-dir ${dataDir} --set-aside. What is there now is kept beside.`

/** The way to continue after a restore into the operator's own database was cut off. */
export const intoAnother =
  "restore again into another, empty database: create database NAME, and name it in DATABASE_URL. This one stays as it is."

/**
 * Fails if a restore has set the former database aside, and was cut off before the new one was complete: a server would start with an
 * empty one.
 */
export const refuseBrokenOff = (dataDir: string): Effect.Effect<void, DatabaseError> =>
  Effect.suspend(() => {
    const mark = markOfSetAside(dataDir)
    return existsSync(mark)
      ? new DatabaseError({
          reason: "restoring",
          message: `A restore into ${dataDir} was cut off. What was there before is in ${readFileSync(mark, "utf8").trim().replaceAll("\n", ", ")}. If no \`maxcloud server restore\` runs any more, ${restoreAgain(dataDir)}`
        })
      : Effect.void
  })
