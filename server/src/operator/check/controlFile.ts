import { readFileSync } from "node:fs"
import { join } from "node:path"
import { errorText } from "../../base/host/systemFault.ts"
import { errorCode } from "../../base/node/errorCode.ts"

/** CRC-32C (Castagnoli), bit by bit: enough for some hundred bytes. */
const crc32c = (bytes: Uint8Array): number => {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}

/** Offsets in `ControlFileData` of PostgreSQL 18 (src/include/catalog/pg_control.h): the version, the version of page checksums, and the CRC. */
const at = { version: 8, checksums: 252, crc: 292 } as const
const known = 1800

export interface ControlFile {
  /** The problem with it; undefined: none. */
  readonly fault: string | undefined
  /** Do pages have checksums? undefined: unknown. */
  readonly checksums: boolean | undefined
}

/** Reads `pg_control`, which everything depends on, as Postgres does at its start. */
export const readControlFile = (data: string): ControlFile => {
  const broken = (fault: string): ControlFile => ({ fault, checksums: undefined })
  let bytes: Buffer
  try {
    bytes = readFileSync(join(data, "global/pg_control"))
  } catch (error) {
    return broken(errorCode(error) === "ENOENT" ? "It is missing." : `Couldn't read it: ${errorText(error)}`)
  }
  if (bytes.length < at.crc + 4) return broken(`It has only ${bytes.length} bytes.`)
  const version = bytes.readUInt32LE(at.version)
  if (version !== known) return broken(`It has format ${version}, but this version of Postgres writes ${known}.`)
  if (bytes.readUInt32LE(at.crc) !== crc32c(bytes.subarray(0, at.crc))) return broken("Its checksum is wrong.")
  return { fault: undefined, checksums: bytes.readUInt32LE(at.checksums) > 0 }
}
