import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** How a value may appear: raw, in JSON, hexadecimal, base64 at each of its three offsets, percent-encoded. */
const encodingsOf = (value: string): ReadonlyArray<string> => {
  const bytes = Buffer.from(value)
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64")
    // Without the characters that contain bits of the neighbouring bytes.
    return text.slice(Math.ceil((offset * 8) / 6), -4)
  })
  const hex = bytes.toString("hex")
  const json = JSON.stringify(value).slice(1, -1)
  const all = [value, json, hex, hex.toUpperCase(), ...base64, encodeURIComponent(value)]
  return [...all, ...base64.map((each) => each.replaceAll("+", "-").replaceAll("/", "_"))]
}

const bits = 20
const slot = (bytes: Buffer, at: number) =>
  (Math.imul(bytes.readUInt32LE(at), 0x9e3779b1) >>> (32 - bits)) & ((1 << bits) - 1)

/** Returns a search for any of the values, however encoded: which of them appear in some bytes. */
export const plantedIn = (values: ReadonlyArray<string>) => {
  const bySlot = new Map<number, Array<{ readonly value: string; readonly bytes: Buffer }>>()
  const filter = new Uint8Array(1 << bits)
  for (const value of values) {
    for (const encoded of new Set(encodingsOf(value))) {
      const bytes = Buffer.from(encoded)
      const at = slot(bytes, 0)
      filter[at] = 1
      bySlot.set(at, [...(bySlot.get(at) ?? []), { value, bytes }])
    }
  }
  return (haystack: Buffer): ReadonlyArray<string> => {
    const found = new Set<string>()
    for (let at = 0; at + 4 <= haystack.length; at++) {
      const where = slot(haystack, at)
      if (filter[where] === 0) continue
      for (const { bytes, value } of bySlot.get(where) ?? []) {
        if (haystack.subarray(at, at + bytes.length).equals(bytes)) found.add(value)
      }
    }
    return [...found]
  }
}

/** Every file below a folder, complete. */
export const filesIn = (folder: string): ReadonlyArray<{ readonly path: string; readonly bytes: Buffer }> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, bytes: readFileSync(path) }))
