import { readFileSync } from "node:fs"
import { readlink } from "node:fs/promises"
import type { Socket } from "node:net"
import { readTcpTable, rowsOf, type TcpRow } from "./tcpTable.ts"

/** The tables aren't a snapshot: a read can miss a row while others come and go. */
const tries = 3

/** The id that a user namespace shows for every unknown user. */
const unknownUser = (): number => {
  try {
    return Number(readFileSync("/proc/sys/kernel/overflowuid", "utf8"))
  } catch {
    return 65_534
  }
}

/** A socket's handle identifies its connection: all HTTP/2 streams share it. Node has no type for it. */
const handleOf = (socket: Socket): { readonly fd: number } | undefined => {
  const handle = "_handle" in socket ? socket._handle : undefined
  const isOpen = typeof handle === "object" && handle !== null && "fd" in handle && typeof handle.fd === "number"
  return isOpen && typeof handle.fd === "number" && handle.fd >= 0 ? { fd: handle.fd } : undefined
}

const only = (rows: ReadonlyArray<TcpRow>): TcpRow | undefined => {
  const [row, ...others] = rows
  // For a socket without a process, the kernel shows user 0 and no inode, whoever owned it. That proves nothing.
  return row !== undefined && others.length === 0 && row.established && row.inode !== "0" ? row : undefined
}

/**
 * The user at the other end of a connection within this machine, from the kernel's table of connections. Undefined if that is
 * uncertain: the other end is (half) closed or elsewhere, or the system has no such table.
 *
 * We look up our own end afterwards, by our socket's inode. While it is established, nobody else can have the peer's address and
 * port. So the row read before is the peer's, not that of a later owner of the port.
 */
export const peerUser = async (socket: Socket): Promise<number | undefined> => {
  const handle = handleOf(socket)
  const { localAddress, localPort, remoteAddress, remotePort } = socket
  if (process.platform !== "linux" || handle === undefined) return undefined
  if (localAddress === undefined || localPort === undefined) return undefined
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  const own = { address: localAddress, port: localPort }
  const peer = { address: remoteAddress, port: remotePort }
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(await readlink(`/proc/self/fd/${handle.fd}`))?.[1]
    for (let at = 0; at < tries; at++) {
      const theirs = rowsOf(await readTcpTable(), peer, own)
      if (theirs.length === 0) continue
      const row = only(theirs)
      if (row === undefined || row.uid === unknownUser()) return undefined
      const ours = rowsOf(await readTcpTable(), own, peer)
      if (ours.length === 0) continue
      return only(ours)?.inode === inode ? row.uid : undefined
    }
  } catch {
    // This system has no such tables.
  }
  return undefined
}

/** `peerUser`, once for each connection. */
export const makePeerUsers = (look: typeof peerUser = peerUser) => {
  const known = new WeakMap<object, Promise<number | undefined>>()
  return (socket: Socket): Promise<number | undefined> => {
    const handle = "_handle" in socket ? socket._handle : undefined
    if (typeof handle !== "object" || handle === null) return Promise.resolve(undefined)
    const asked = known.get(handle) ?? look(socket)
    known.set(handle, asked)
    return asked
  }
}
