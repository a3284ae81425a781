import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import type { ServerProcess } from "../../server/test/serverProcess.ts"

interface ProcessOfRun {
  readonly pid: number
  readonly parent: number
  readonly group: number
  /** In clock ticks since the machine started. */
  readonly started: number
  readonly command: string
  readonly of: "instance" | "database"
}

const statOf = (pid: number) => {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return {
    ended: fields[0] === "Z" || fields[0] === "X",
    parent: Number(fields[1]),
    group: Number(fields[2]),
    started: Number(fields[19])
  }
}

const processOf = (pid: number, dataDirectory: string, marker: string): ProcessOfRun | undefined => {
  try {
    const { ended, ...stat } = statOf(pid)
    const isDatabase = readlinkSync(`/proc/${pid}/cwd`).startsWith(`${dataDirectory}/postgres`)
    const isInstance = readFileSync(`/proc/${pid}/environ`, "latin1").includes(marker)
    if (ended || !(isDatabase || isInstance)) return undefined
    const command = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").trim()
    return { pid, ...stat, command, of: isDatabase ? "database" : "instance" }
  } catch {
    return undefined
  }
}

/** All processes that a server has started: its instances, found by a marker in their environment, and its database (Linux). */
export const processesOfRun = (server: ServerProcess, marker: string): ReadonlyArray<ProcessOfRun> =>
  readdirSync("/proc").flatMap((entry) => {
    const pid = Number(entry)
    if (!(pid > 0) || pid === process.pid) return []
    return processOf(pid, server.dataDirectory, marker) ?? []
  })

/**
 * Processes that a running server shouldn't have: instances older than the server, a second instance of a service, and processes of
 * another database.
 */
export const straysOf = (server: ServerProcess, marker: string, services: number): ReadonlyArray<string> => {
  const { started } = statOf(server.pid)
  const found = processesOfRun(server, marker)
  const postmaster = server.postgresPid
  const instances = found.filter((each) => each.of === "instance")
  const old = instances.filter((instance) => instance.started < started)
  const foreign = found.filter(
    (each) => each.of === "database" && each.pid !== postmaster && each.parent !== postmaster
  )
  const groups = new Set(instances.map((instance) => instance.group))
  return [
    ...old.map((each) => `instance of an earlier server: process ${each.pid}, ${each.command}`),
    ...foreign.map((each) => `part of another database: process ${each.pid}, ${each.command}`),
    ...(groups.size > services ? [`${groups.size} instances of ${services} services`] : [])
  ]
}
