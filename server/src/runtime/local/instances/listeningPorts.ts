import { readdir, readFile, readlink } from "node:fs/promises"

const listenState = "0A"

const inodesOf = async (pid: number): Promise<ReadonlyArray<string>> => {
  const links = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const targets = await Promise.all(links.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")))
  return targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? [])
}

/** The TCP ports on which these processes listen, ascending. Linux; elsewhere none. */
export const listeningPorts = async (pids: ReadonlyArray<number>): Promise<ReadonlyArray<number>> => {
  const inodes = new Set((await Promise.all(pids.map(inodesOf))).flat())
  const tables = await Promise.all(["tcp", "tcp6"].map((name) => readFile(`/proc/net/${name}`, "utf8").catch(() => "")))
  const ports = tables
    .join("\n")
    .split("\n")
    .flatMap((line) => {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
      if (state !== listenState || inode === undefined || !inodes.has(inode)) return []
      return Number.parseInt(local?.split(":").at(-1) ?? "", 16)
    })
  return [...new Set(ports)].sort((one, other) => one - other)
}
