/** Just enough of the protobuf wire format (Protocol Buffers, "Encoding") to read one message in place and write small ones. */

/** The message isn't valid protobuf. */
export class WireError extends Error {}

const varint = 0
const fixed64 = 1
const lengthDelimited = 2
const fixed32 = 5

/** Reads the fields of the message between `start` and `end`, in order. Calls `visit` for length-delimited fields and varints. */
export const readFields = (
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: {
    readonly bytes: (field: number, start: number, end: number) => void
    readonly varint?: (field: number, value: number) => void
  }
): void => {
  let at = start
  const next = (): number => {
    let value = 0
    for (let factor = 1; factor <= 2 ** 63; factor *= 128) {
      const byte = at < end ? bytes[at++] : undefined
      if (byte === undefined) throw new WireError("a number is cut off")
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new WireError("a number is too long")
  }
  while (at < end) {
    const tag = next()
    const field = Math.floor(tag / 8)
    switch (tag % 8) {
      case varint: {
        const value = next()
        visit.varint?.(field, value)
        break
      }
      case fixed64:
        at += 8
        break
      case fixed32:
        at += 4
        break
      case lengthDelimited: {
        const length = next()
        if (length > end - at) throw new WireError("a field is cut off")
        visit.bytes(field, at, at + length)
        at += length
        break
      }
      default:
        throw new WireError(`a field has the unknown type ${tag % 8}`)
    }
  }
  if (at !== end) throw new WireError("a field is cut off")
}

const writeVarint = (value: number): Array<number> => {
  const bytes: Array<number> = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) + 128)
  }
}

export const writeNumber = (field: number, value: number): Buffer =>
  Buffer.from([...writeVarint(field * 8 + varint), ...writeVarint(value)])

export const writeBytes = (field: number, ...content: ReadonlyArray<Buffer | string>): Buffer => {
  const body = Buffer.concat(content.map((value) => (typeof value === "string" ? Buffer.from(value) : value)))
  return Buffer.concat([Buffer.from([...writeVarint(field * 8 + lengthDelimited), ...writeVarint(body.length)]), body])
}
