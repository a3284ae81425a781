import { Effect } from "effect"
import type pg from "pg"
import { DatabaseError, databaseWords } from "./DatabaseError.ts"

/** There while a backup is restored. It outlives a restore that was killed: what the database then holds may include what was erased. */
const mark = "restore_underway"

export const markRestoring = (client: pg.ClientBase) => client.query(`create table if not exists ${mark} ()`)

export const unmarkRestoring = (client: pg.ClientBase) => client.query(`drop table if exists ${mark}`)

export const isRestoring = async (client: pg.ClientBase): Promise<boolean> => {
  const { rows } = await client.query<{ there: boolean }>(`select to_regclass('public.${mark}') is not null as there`)
  return rows[0]?.there === true
}

/** Fails where a backup is being restored into the database, or was until that broke off. `place`: what to remove before the next try. */
export const refuseRestoring = (client: pg.ClientBase, place: string): Effect.Effect<void, DatabaseError> =>
  Effect.tryPromise({
    try: () => isRestoring(client),
    catch: (cause) => new DatabaseError({ reason: "failed", message: databaseWords(cause), cause })
  }).pipe(
    Effect.flatMap((restoring) =>
      restoring
        ? new DatabaseError({
            reason: "restoring",
            message: `A backup is being restored here, or that broke off before it was done, and what had been erased may be here again. If no \`maxcloud server restore\` runs any more, remove ${place}, and restore once more.`
          })
        : Effect.void
    )
  )
