import { existsSync, mkdirSync, rmSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import { programOf } from "../host/processIdentity.ts"
import { explain } from "./DatabaseError.ts"
import { clearDrafts, initialise, readPassword } from "./initialise.ts"
import { makeLauncher } from "./launcher.ts"
import { launchPostgres } from "./launchPostgres.ts"
import { ownFolder } from "./ownFolder.ts"
import { atOnce, endPostmaster, inOrder, isSame, makeKnown, postmaster, worksIn } from "./postmaster.ts"
import { forgetShortName } from "./shortName.ts"
import { socketPlaceOf } from "./socketPlace.ts"
import { startPostgres } from "./startPostgres.ts"

/** A Postgres of the data folder's own, reachable only through a Unix socket. */
export interface EmbeddedPostgres {
  /** A connection's host: a folder, by a name that this process can use. */
  readonly socketFolder: string
  readonly password: string
  /** Starts it, or adopts one left running by a killed server. A `deaf` one is stopped first. */
  readonly start: () => Promise<void>
  readonly isRunning: () => boolean
  /**
   * Its state after the start. `deaf`: it runs but is unreachable, because somebody removed its socket, its lock file or
   * its programs. `gone`: its data folder was removed or replaced.
   */
  readonly look: () => "runs" | "ended" | "deaf" | "gone"
  /** Closes its connections, flushes pending writes, and stops. */
  readonly stop: () => Promise<void>
}

/** Creates the folder and its database, if they don't exist. */
const prepare = async (dataDir: string, folder: string) => {
  mkdirSync(dataDir, { recursive: true, mode: 0o711 })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const launcher = makeLauncher(folder)
  ownFolder(folder, launcher, resolve(dataDir))
  const place = statSync(folder)
  const socket = socketPlaceOf(folder, launcher)
  const password = readPassword(dataDir)
  if (!existsSync(join(folder, "data")))
    await initialise(folder, launcher, password).catch((error) =>
      Promise.reject(explain("Couldn't create the database", folder, error))
    )
  return { launcher, password, place, socket }
}

/**
 * Prepares `<dataDir>/postgres`; throws a `DatabaseError`. `changed`: parameters of postgresql.conf to use instead of
 * ours.
 */
export const makeEmbeddedPostgres = async (
  dataDir: string,
  changed: Readonly<Record<string, string>> = {}
): Promise<EmbeddedPostgres> => {
  const folder = resolve(dataDir, "postgres")
  const data = join(folder, "data")
  const { password, place, socket, ...prepared } = await prepare(dataDir, folder).catch((error) =>
    Promise.reject(explain("Couldn't prepare the database", folder, error))
  )
  const known = makeKnown()
  let launcher = prepared.launcher

  const look = () => {
    if (!isSame(folder, place) || !existsSync(join(data, "PG_VERSION"))) return "gone"
    const running = postmaster(data)
    if (running === undefined) return known.pid() === undefined ? "ended" : "deaf"
    return !running.ready || (existsSync(socket.socketFile) && existsSync(join(launcher.bin, "postgres")))
      ? "runs"
      : "deaf"
  }

  const endDeaf = async () => {
    if (look() !== "deaf") return
    const running = postmaster(data)
    const pid = known.pid() ?? (running !== undefined && worksIn(running.pid, data) ? running.pid : undefined)
    if (pid !== undefined) await endPostmaster(pid, inOrder)
  }

  const launch = async (): Promise<boolean> => {
    if (!existsSync(join(launcher.bin, "postgres"))) launcher = makeLauncher(folder)
    return launchPostgres(folder, launcher, socket, changed, known.know)
  }

  const start = async () => {
    clearDrafts(folder)
    await endDeaf()
    await startPostgres(folder, socket, known.know, launch)
  }

  const stop = async () => {
    const running = postmaster(data)
    const recorded = running !== undefined && programOf(running.pid) === "postgres" ? running.pid : undefined
    const pid = known.pid() ?? recorded
    if (pid !== undefined) await endPostmaster(pid, look() === "gone" ? atOnce : inOrder)
    forgetShortName(folder)
    // One of its own in the temporary folder, which Postgres has emptied.
    if (socket.isTemporary && pid !== undefined) rmSync(socket.socketFolder, { recursive: true, force: true })
  }

  return {
    socketFolder: socket.socketFolder,
    password,
    start: () => start().catch((error) => Promise.reject(explain("Couldn't start the database", folder, error))),
    isRunning: () => postmaster(data) !== undefined,
    look,
    stop
  }
}
