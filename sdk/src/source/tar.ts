const block = 512

const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, "0")}\0`

interface Header {
  readonly path: string
  readonly mode: number
  readonly bytes: number
  /** `0` for a file, `2` for a symbolic link, `x` for attributes of the next entry. */
  readonly type: "0" | "2" | "x"
  readonly target: string
}

/** A ustar header (POSIX.1-1988). Time and owner are 0, so that equal content has equal bytes. */
const ustar = ({ bytes, mode, path, target, type }: Header): Buffer => {
  const header = Buffer.alloc(block)
  header.write(path, 0, 100)
  header.write(octal(mode, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(bytes, 12), 124)
  header.write(octal(0, 12), 136)
  header.write("        ", 148)
  header.write(type, 156)
  header.write(target, 157, 100)
  header.write("ustar\x0000", 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148)
  return header
}

/** One record of a pax header (POSIX.1-2001): its length counts itself. */
const paxRecord = (key: string, value: string): string => {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + String(rest).length
  if (String(length).length !== String(rest).length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

const padding = (bytes: number) => Buffer.alloc((block - (bytes % block)) % block)

// Long or non-ASCII names don't fit into ustar's fields.
const fits = (text: string) => text.length <= 100 && /^[\x20-\x7e]*$/.test(text)

/** The bytes before an entry's content: its header, preceded by a pax header if the names need one. */
export const tarHeader = (entry: {
  readonly path: string
  readonly mode: number
  readonly bytes: number
  readonly target?: string
}): Buffer => {
  const target = entry.target ?? ""
  const records = [
    ...(fits(entry.path) ? [] : [paxRecord("path", entry.path)]),
    ...(fits(target) ? [] : [paxRecord("linkpath", target)])
  ].join("")
  const type = entry.target === undefined ? "0" : "2"
  const short = (text: string) => (fits(text) ? text : text.replace(/[^\x20-\x7e]/g, "_").slice(0, 100))
  const header = ustar({ path: short(entry.path), mode: entry.mode, bytes: entry.bytes, type, target: short(target) })
  if (records === "") return header
  const body = Buffer.from(records)
  const pax = ustar({ path: "PaxHeader", mode: 0o644, bytes: body.length, type: "x", target: "" })
  return Buffer.concat([pax, body, padding(body.length), header])
}

/** The padding after an entry's content. */
export const tarPadding = padding

/** The end of an archive: two blocks of zeroes. */
export const tarEnd = Buffer.alloc(2 * block)
