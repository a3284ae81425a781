import { randomBytes } from "node:crypto"

let last = { ms: 0, count: 0 }

/**
 * A sortable id: `prefix`, `_`, and a UUID of version 7 without hyphens (RFC 9562, 5.7). Ids of one process are strictly
 * increasing: the 12 bits after the time count within a millisecond (6.2, method 1).
 */
export const newId = (prefix: string): string => {
  const now = Math.max(Date.now(), last.ms)
  const count = now === last.ms ? last.count + 1 : 0
  last = count > 0xfff ? { ms: now + 1, count: 0 } : { ms: now, count }
  const bytes = randomBytes(16)
  bytes.writeUIntBE(last.ms, 0, 6)
  bytes.writeUInt16BE(0x7000 | last.count, 6)
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8)
  return `${prefix}_${bytes.toString("hex")}`
}
