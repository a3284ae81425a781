import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { isRunning, programOf } from "../host/processIdentity.ts"
import { DatabaseError, explain } from "./DatabaseError.ts"
import { damaged, damageIn } from "./damage.ts"
import { logFileIn } from "./launchPostgres.ts"
import { listensIn, socketName } from "./listensIn.ts"
import { awaitReady, postmaster } from "./postmaster.ts"
import type { SocketPlace } from "./socketPlace.ts"

/** Children of a killed Postgres hold its shared memory for a moment. */
const launchUntilReady = async (folder: string, launch: () => Promise<boolean>): Promise<void> => {
  const logFile = logFileIn(folder)
  for (let attempt = 0; attempt < 50; attempt++) {
    if (await launch()) return
    const output = readFileSync(logFile, "utf8")
    if (!/shared memory block|lock file "postmaster.pid" already exists/.test(output)) {
      const line = damageIn(output)
      throw line === undefined
        ? explain("Couldn't start the database", folder, new Error(`its log is ${logFile}`), output)
        : damaged(folder, line)
    }
    await sleep(200)
  }
  throw new DatabaseError({
    reason: "locked",
    message: `Another Postgres holds ${join(folder, "data")} and doesn't answer. Stop it and start again.`
  })
}

/** Lines of `postmaster.pid` up to the id of its shared memory. The rest says whether it's ready. */
const lockLines = 7

/**
 * Makes a Postgres lock file name this process. A Postgres doesn't start if its lock file names an existing process, and
 * a killed process exists until its parent has reaped it, which some containers' init processes never do. Postgres
 * ignores its own parent, and goes by the rest of the file: is a child still attached to the former one's shared memory?
 */
const disown = (lockFile: string) => {
  if (!existsSync(lockFile)) return
  const [, ...rest] = readFileSync(lockFile, "utf8").split("\n").slice(0, lockLines)
  // Not the last line: this process isn't a ready database.
  writeFileSync(lockFile, `${[process.pid, ...rest].join("\n")}\n`)
}

/** Adopts a ready Postgres of this folder (`know`), or launches one. */
export const startPostgres = async (
  folder: string,
  { isTemporary, socketFolder }: SocketPlace,
  know: (pid: number) => void,
  launch: () => Promise<boolean>
): Promise<void> => {
  const data = join(folder, "data")
  const running = postmaster(data)
  const isHere = running !== undefined && programOf(running.pid) === "postgres"
  const ready = isHere && (await awaitReady(data, () => !isRunning(running.pid)))
  const listens = (isTemporary && (await listensIn(socketFolder))) || (await listensIn(folder))
  if (ready && listens) return know(running.pid)
  if (listens)
    throw new DatabaseError({
      reason: "locked",
      message: `The database in ${folder} is in use by a Postgres of another container. Stop that container, or give this server a data folder of its own.`
    })
  // Its process is gone, or another program has its id by now. Otherwise Postgres itself decides.
  if (!isHere || ready) {
    for (const lockFile of [
      join(data, "postmaster.pid"),
      join(folder, `${socketName}.lock`),
      join(socketFolder, `${socketName}.lock`)
    ])
      disown(lockFile)
  }
  await launchUntilReady(folder, launch)
}
