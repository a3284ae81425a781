import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Exit } from "effect"
import { errorText } from "../../base/host/systemFault.ts"
import { makeEmbeddedPostgres } from "../../base/postgres/EmbeddedPostgres.ts"
import { listensIn } from "../../base/postgres/listensIn.ts"
import { postmaster } from "../../base/postgres/postmaster.ts"
import { markOfSetAside } from "../../base/postgres/restoreMark.ts"
import { BackupError } from "./BackupError.ts"

/** The database's parts of the data folder. */
export const databaseParts = ["postgres", "postgres.password"] as const

/** Stops processes left running by a killed server, because their files can't be moved. */
const endPostgres = async (dataDir: string): Promise<void> => {
  const data = join(dataDir, "postgres/data")
  if (postmaster(data) !== undefined)
    await makeEmbeddedPostgres(dataDir).then(
      (makeEmbeddedPostgre) => makeEmbeddedPostgre.stop(),
      () => undefined
    )
  const running = postmaster(data)
  if (running === undefined && !(await listensIn(join(dataDir, "postgres")))) return
  throw new BackupError({
    reason: "target",
    message: `A Postgres${running === undefined ? " of another container" : ` (process ${running.pid})`} is still running on ${dataDir}. Stop it, and restore again. Nothing has changed.`
  })
}

const move = (dataDir: string, names: ReadonlyArray<string>) => {
  const there = names.filter((name) => existsSync(join(dataDir, name)))
  if (there.length === 0) return undefined
  const folder = join(dataDir, "set-aside", new Date().toISOString().replace(/[:.]/g, "-"))
  const mark = markOfSetAside(dataDir)
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  // A server that starts in between must not mistake the folder for a new one.
  const earlier = existsSync(mark) ? readFileSync(mark, "utf8") : undefined
  writeFileSync(mark, `${earlier ?? ""}${folder}\n`, { mode: 0o600 })
  const moved: Array<string> = []
  const putBack = () => {
    for (const name of moved) if (!existsSync(join(dataDir, name))) renameSync(join(folder, name), join(dataDir, name))
    if (moved.some((name) => existsSync(join(folder, name)))) return
    rmdirSync(folder)
    if (earlier === undefined) rmSync(mark, { force: true })
    else writeFileSync(mark, earlier, { mode: 0o600 })
  }
  try {
    for (const name of there) {
      renameSync(join(dataDir, name), join(folder, name))
      moved.push(name)
    }
  } catch (error) {
    putBack()
    throw error
  }
  return { folder, putBack }
}

/**
 * Moves the data that a restore is about to replace into `set-aside/<time>/` of the data folder, which the caller has
 * claimed. Removes nothing. If the scope ends with a failure, everything is moved back. Returns the folder; undefined if
 * there was nothing to move.
 */
export const setAside = (dataDir: string, names: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    yield* Effect.tryPromise({
      try: () => endPostgres(dataDir),
      catch: (cause) =>
        cause instanceof BackupError ? cause : new BackupError({ reason: "target", message: String(cause), cause })
    })
    const moved = yield* Effect.acquireRelease(
      Effect.try({
        try: () => move(dataDir, names),
        catch: (cause) =>
          new BackupError({
            reason: "target",
            message: `Couldn't set aside the content of ${dataDir}. It's unchanged. ${errorText(cause, dataDir)}`,
            cause
          })
      }),
      (made, exit) => Effect.sync(() => (Exit.isSuccess(exit) ? undefined : made?.putBack()))
    )
    return moved?.folder
  })
