import { readFile } from "node:fs/promises"
import { endianness } from "node:os"
import { setImmediate } from "node:timers/promises"
import { type IpRange, parseAddress } from "@maxcloud/config-schema"
import { sharedReading } from "../../base/node/sharedReading.ts"

/** One end of a TCP connection. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** The kernel's description of one end of a connection (proc_net_tcp). */
export interface TcpRow {
  readonly established: boolean
  readonly uid: number
  /** "0": no process holds this socket any more, and `uid` means nothing. */
  readonly inode: string
}

/** The kernel prints addresses as 32-bit words in the byte order of the machine. */
const words = (bytes: ReadonlyArray<number>): string => {
  const little = endianness() === "LE"
  let text = ""
  for (let at = 0; at < bytes.length; at += 4) {
    const word = bytes.slice(at, at + 4)
    for (const byte of little ? word.reverse() : word) text += byte.toString(16).toUpperCase().padStart(2, "0")
  }
  return text
}

const bytesOf = ({ base, length }: IpRange): ReadonlyArray<number> =>
  Array.from({ length: length / 8 }, (_, at) => Number((base >> BigInt(length - 8 - 8 * at)) & 0xffn))

const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

/** The forms of an address in the tables: an IPv4 address may also appear in its IPv6 form (RFC 4291, 2.5.5.2). */
const namesOf = (written: string): ReadonlyArray<string> => {
  const address = parseAddress(written.replace(/^::ffff:(?=\d+\.)/i, ""))
  if (address === undefined) return []
  const bytes = bytesOf(address)
  return address.version === 4 ? [words(bytes), words([...mapped, ...bytes])] : [words(bytes)]
}

const hexPort = (port: number) => port.toString(16).toUpperCase().padStart(4, "0")

/** Rows by both ends, as the kernel prints them. */
export type TcpTable = ReadonlyMap<string, ReadonlyArray<TcpRow>>

/** How many rows to read before other work gets its turn. */
const rowsAtOnce = 2_000

/** Reads the tables once for all pending lookups: they may have tens of thousands of rows. */
export const parseTcpTables = async (tables: ReadonlyArray<string>): Promise<TcpTable> => {
  const rows = new Map<string, Array<TcpRow>>()
  let read = 0
  for (const table of tables) {
    for (let at = table.indexOf("\n") + 1; at > 0; at = table.indexOf("\n", at) + 1) {
      // Number, both ends, state, queues, timer, retransmits, uid, timeout, inode.
      const end = table.indexOf("\n", at)
      const fields = table
        .slice(at, end === -1 ? undefined : end)
        .trim()
        .split(/\s+/)
      if (fields.length < 10) continue
      const row = { established: fields[3] === "01", uid: Number(fields[7]), inode: fields[9] ?? "0" }
      const key = `${fields[1]} ${fields[2]}`
      const known = rows.get(key)
      if (known === undefined) rows.set(key, [row])
      else known.push(row)
      if (++read % rowsAtOnce === 0) await setImmediate()
    }
  }
  return rows
}

/** The rows of the connection from `local` to `remote`. */
export const rowsOf = (table: TcpTable, local: Endpoint, remote: Endpoint): ReadonlyArray<TcpRow> => {
  const remotes = namesOf(remote.address)
  return namesOf(local.address).flatMap(
    (name, form) => table.get(`${name}:${hexPort(local.port)} ${remotes[form]}:${hexPort(remote.port)}`) ?? []
  )
}

/** The TCP connections of this network namespace, read after the call. Linux only; elsewhere it rejects. */
export const readTcpTable: () => Promise<TcpTable> = sharedReading(async () =>
  parseTcpTables(
    await Promise.all([readFile("/proc/net/tcp", "latin1"), readFile("/proc/net/tcp6", "latin1").catch(() => "")])
  )
)
