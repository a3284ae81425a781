import { spawn } from "node:child_process"
import { join } from "node:path"
import type { Program } from "@maxcloud/builder"
import { endOnAbort } from "../../../../base/host/endOnAbort.ts"
import { nodeFolder } from "../../../../base/host/nodeFolder.ts"
import { markerName, type ProcessEntry, startTimeOf } from "../../../../base/host/processTable.ts"
import { closedTo, type SourceUsers, type UnprivilegedUser } from "../../../../base/host/sourceUser.ts"
import { startProgram } from "../../../../base/host/startProgram.ts"
import { reservePort } from "../freePort.ts"
import { InstanceFailed, type InstanceSpec } from "../Instance.ts"
import { bootId, type InstanceRecords } from "../InstanceRecords.ts"
import { type Launched, toFailure } from "../Launched.ts"
import { wordsOf } from "../words.ts"
import { cleanProcesses } from "./cleanProcesses.ts"
import { makeHomes } from "./homes.ts"
import { launchedProcess, type ProcessChild } from "./launchedProcess.ts"
import { type ProgramPlace, programIn } from "./ProgramPlace.ts"
import { processEnvironment } from "./processEnvironment.ts"

export interface ProcessesOptions {
  readonly dataDirectory: string
  readonly dataDirectoryId: string
  readonly records: InstanceRecords
  /** As root: the user that processes run as. */
  readonly users?: SourceUsers | undefined
}

const noProgram = (file: string) =>
  new InstanceFailed({
    reason: "CommandNotFound",
    message: `Command not found: ${file}. The server looks in the folder's node_modules/.bin, beside Node, and in /usr/local/bin, /usr/bin and /bin.`,
    retryable: false
  })

const notExecutable = (file: string) =>
  new InstanceFailed({
    reason: "CommandNotExecutable",
    message: `${file} isn't executable. Run: \`chmod +x ${file}\`.`,
    retryable: false
  })

const folderClosed = (what: string, place: string, fix: string) =>
  new InstanceFailed({
    reason: "FolderClosed",
    message: `The server runs as root, and services from source run as a separate user, who can't enter ${place} on the way to ${what}. ${fix}`,
    retryable: false
  })

const checkOpen = (folder: string, user: UnprivilegedUser): void => {
  const closed = closedTo(user, folder)
  if (closed === undefined) return
  const fix = "Choose a folder that all users may enter (chmod o+x), or start the server as the user who owns it."
  throw folderClosed(folder, closed, fix)
}

/** Why a program couldn't be started. */
const startFault = (cause: NodeJS.ErrnoException, file: string, user: UnprivilegedUser | undefined): Error => {
  if (cause.code === "EACCES" && user !== undefined)
    return folderClosed(file, "its folder, or may not run it,", "Install it where all users may run it.")
  if (cause.code === "EACCES") return notExecutable(file)
  return cause.code === "ENOENT" ? noProgram(file) : cause
}

const startChild = (
  program: Program,
  place: ProgramPlace,
  node: string,
  user: UnprivilegedUser | undefined,
  env: Readonly<Record<string, string>>
): Promise<ProcessChild> => {
  // The server's own Node may be closed to the user; the data folder contains a copy.
  const file = user !== undefined && program.file === process.execPath ? join(node, "node") : program.file
  const options = { ...user, cwd: place.folder, env, detached: true }
  // Tools that watch files exit when their standard input ends, so keep it open and silent.
  return startProgram<ProcessChild>(() =>
    place.portArguments === undefined
      ? spawn(file, [...program.args], { ...options, stdio: ["ignore", "pipe", "pipe"] })
      : spawn(file, [...program.args], { ...options, stdio: ["pipe", "pipe", "pipe"] })
  ).catch((cause: NodeJS.ErrnoException) => {
    throw startFault(cause, program.file, user)
  })
}

/**
 * Launches instances as child processes in their own process group, with their declared environment and nothing of the server's.
 */
export const makeProcesses = async (options: ProcessesOptions) => {
  const { dataDirectoryId, records } = options
  const user = options.users?.service
  const node = await nodeFolder(options.dataDirectory, user)
  const homes = makeHomes(options.dataDirectory, dataDirectoryId, user)
  const boot = bootId()

  /** Removes what an instance leaves on disk. */
  const forget = async (id: string): Promise<void> => {
    records.remove(id)
    homes.remove(id)
  }

  const launch = async (spec: InstanceSpec, place: ProgramPlace): Promise<Launched> => {
    const reserved = await reservePort()
    const { port } = reserved
    const record = { id: spec.id, kind: "process", boot, graceMs: spec.graceMs } as const
    try {
      const program = await programIn(place, wordsOf(spec, port), port)
      if (user !== undefined) checkOpen(place.folder, user)
      const home = homes.make(spec.id)
      records.write(record)
      const marker = `${dataDirectoryId}/${spec.id}`
      const environment = () => processEnvironment({ spec, place, home, port, marker, node, user })
      const child = await startChild(program, place, node, user, environment())
      const { pid } = child
      if (pid === undefined) throw new Error(`${program.file} has no process`)
      const forgetGroup = endOnAbort(-pid, "SIGKILL")
      const startTime = startTimeOf(pid)
      records.write({ ...record, pid, ...(startTime === undefined ? {} : { startTime }) })
      return launchedProcess({
        child,
        spec,
        reserved,
        isDevScript: place.portArguments !== undefined,
        dataDirectoryId,
        isMine: (entry: ProcessEntry) => entry.marker === marker || entry.group === pid,
        execOptions: (execMarker) => {
          homes.keep()
          return { ...user, cwd: place.folder, env: { ...environment(), [markerName]: execMarker } }
        },
        forget: forgetGroup
      })
    } catch (cause) {
      reserved.release()
      await forget(spec.id)
      throw toFailure(cause)
    }
  }

  return { launch, forget, clean: () => cleanProcesses(records, dataDirectoryId, homes.root, user) }
}
