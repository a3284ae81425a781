import { type ChildProcess, spawn } from "node:child_process"
import { readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Option, Schema } from "effect"
import { endOnAbort } from "../../../base/host/endOnAbort.ts"
import { endProcesses } from "../../../base/host/endProcesses.ts"
import { hostEnvironment } from "../../../base/host/hostEnvironment.ts"
import { startOf } from "../../../base/host/processIdentity.ts"
import { startProgram } from "../../../base/host/startProgram.ts"
import { guardedBy } from "../../../base/node/guarded.ts"
import { registryFolderIn } from "./registryFiles.ts"
import { type RegistryProgram, registryVariables } from "./registryProgram.ts"

/** After SIGTERM. Distribution itself waits 5 s for open requests. */
const graceMs = 8_000

const Recorded = Schema.parseJson(Schema.Struct({ pid: Schema.Int, startTime: Schema.String }))
const decodeRecorded = Schema.decodeUnknownOption(Recorded)

const recordIn = (dataDir: string) => join(registryFolderIn(dataDir), "process.json")

/** Remembers a process that works on the registry's files, for the server that comes after a killed one. */
export const recordProcess = async (dataDir: string, pid: number): Promise<string> => {
  const startTime = startOf(pid) ?? ""
  await writeFile(recordIn(dataDir), JSON.stringify({ pid, startTime }), { mode: 0o600 })
  return startTime
}

/** Ends the registry that a killed server has left running. Returns whether there was one. */
export const endLeftRegistry = async (dataDir: string): Promise<boolean> => {
  const path = recordIn(dataDir)
  const recorded = Option.getOrUndefined(decodeRecorded(await readFile(path, "utf8").catch(() => "")))
  if (recorded === undefined) return false
  const { pid, startTime } = recorded
  const left = await endProcesses((entry) => entry.pid === pid && entry.startTime === startTime, graceMs)
  await rm(path, { force: true })
  return left > 0
}

export interface RegistryProcess {
  /** The loopback port. Rejects with the end of its output if it exits before it listens. */
  readonly port: Promise<number>
  /** Resolves when it has ended. */
  readonly ended: Promise<void>
  /** Lets requests finish for a few seconds, then ends it. */
  readonly end: () => Promise<void>
}

const listening = /listening on 127\.0\.0\.1:(\d+)/

const portOf = (child: ChildProcess, onLine: (line: string) => void) =>
  new Promise<number>((resolve, reject) => {
    let last = ""
    const guarded = guardedBy(reject)
    child.once(
      "exit",
      guarded((code: number | null, signal: string | null) =>
        reject(new Error(`It exited with ${signal ?? `code ${code}`}.${last === "" ? "" : ` Its last words: ${last}`}`))
      )
    )
    if (child.stderr === null) throw new Error("It has no standard error.")
    createInterface({ input: child.stderr }).on(
      "line",
      guardedBy(() => {})((line: string) => {
        last = line.slice(0, 500)
        const port = listening.exec(line)?.[1]
        if (port !== undefined) resolve(Number(port))
        onLine(line)
      })
    )
  })

/** In a session of its own: a Ctrl-C must not end it before the server has drained. */
export const spawnRegistry = (
  program: RegistryProgram,
  dataDir: string,
  args: ReadonlyArray<string>,
  stderr: "ignore" | "pipe"
): Promise<ChildProcess> =>
  startProgram(() =>
    spawn(program.path, args, {
      cwd: registryFolderIn(dataDir),
      env: { ...hostEnvironment("registry"), ...registryVariables },
      detached: true,
      stdio: ["ignore", "ignore", stderr]
    })
  )

export const startRegistry = async (
  program: RegistryProgram,
  dataDir: string,
  config: string,
  onLine: (line: string) => void
): Promise<RegistryProcess> => {
  const child = await spawnRegistry(program, dataDir, ["serve", config], "pipe")
  const pid = child.pid ?? 0
  const forget = endOnAbort(pid, "SIGTERM")
  const ended = new Promise<void>((resolve) =>
    child.once(
      "exit",
      guardedBy(() => {})(() => {
        forget()
        resolve()
      })
    )
  )
  child.on(
    "error",
    guardedBy(() => {})(() => {})
  )
  const port = portOf(child, onLine)
  // Whoever awaits it later gets the rejection, too.
  port.catch(() => {})
  const startTime = await recordProcess(dataDir, pid)
  const end = async () => {
    await endProcesses((entry) => entry.pid === pid && entry.startTime === startTime, graceMs, ended)
    await rm(recordIn(dataDir), { force: true })
  }
  return { port, ended, end }
}
