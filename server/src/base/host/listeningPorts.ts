import { readdir, readFile, readlink } from "node:fs/promises"

const listenState = "0A"
/** As the kernel writes them: 127.0.0.0/8, ::1, and IPv4-mapped 127.0.0.0/8. */
const loopback = /^(.{6}7F|0{24}01000000|0{16}FFFF0000.{6}7F)$/i

interface Listener {
  readonly port: number
  readonly isLoopback: boolean
  readonly inode: string
}

/** TCP listeners in a process's network (`/proc/<pid>/net/tcp`, proc(5)). */
const listenersOf = async (pid: number | "self"): Promise<ReadonlyArray<Listener>> => {
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => readFile(`/proc/${pid}/net/${name}`, "utf8").catch(() => ""))
  )
  return tables
    .join("\n")
    .split("\n")
    .flatMap((line) => {
      const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/)
      if (state !== listenState || inode === undefined) return []
      const [address = "", port = ""] = local.split(":")
      return { port: Number.parseInt(port, 16), isLoopback: loopback.test(address), inode }
    })
}

const inodesOf = async (pid: number): Promise<ReadonlyArray<string>> => {
  const links = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const targets = await Promise.all(links.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")))
  return targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? [])
}

const portsOf = (listeners: ReadonlyArray<Listener>) =>
  [...new Set(listeners.map(({ port }) => port))].sort((one, other) => one - other)

/** The TCP ports that these processes listen on, ascending. Only on Linux; elsewhere none. */
export const listeningPorts = async (pids: ReadonlyArray<number>): Promise<ReadonlyArray<number>> => {
  const inodes = new Set((await Promise.all(pids.map(inodesOf))).flat())
  return portsOf((await listenersOf("self")).filter(({ inode }) => inodes.has(inode)))
}

/** Is this port of the machine only open on its loopback address? Only on Linux; elsewhere unknown. */
export const listensOnLoopbackOnly = async (port: number): Promise<boolean> => {
  const listeners = (await listenersOf("self")).filter((each) => each.port === port)
  return listeners.length > 0 && listeners.every(({ isLoopback }) => isLoopback)
}

/**
 * The TCP listeners in a container's own network, ascending: the ports reachable from outside, and those on its loopback
 * only. `pid` is one of its processes. Only on Linux; elsewhere none.
 */
export const listeningPortsInside = async (
  pid: number
): Promise<{ readonly reachable: ReadonlyArray<number>; readonly loopbackOnly: ReadonlyArray<number> }> => {
  const listeners = await listenersOf(pid)
  const reachable = portsOf(listeners.filter(({ isLoopback }) => !isLoopback))
  return { reachable, loopbackOnly: portsOf(listeners).filter((port) => !reachable.includes(port)) }
}
