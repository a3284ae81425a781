import { SourceError } from "./SourceStore.ts"

/** One file or link of an archive. Read `content` to its end before requesting the next entry. */
export interface TarEntry {
  readonly path: string
  readonly kind: "file" | "link"
  readonly executable: boolean
  readonly size: number
  /** The target of a link. */
  readonly target: string
  readonly content: AsyncIterable<Buffer>
}

const blockBytes = 512
/** A pax header contains paths and numbers. A larger one is an attack on memory. */
const largestHeader = 64 * 1024

export const invalid = (message: string) => new SourceError({ reason: "invalid", message })

const utf8 = new TextDecoder("utf-8", { fatal: true })
const text = (bytes: Uint8Array): string => {
  try {
    return utf8.decode(bytes)
  } catch {
    throw invalid("The archive has a path that isn't UTF-8.")
  }
}

const field = (header: Buffer, start: number, length: number): Buffer => {
  const bytes = header.subarray(start, start + length)
  const end = bytes.indexOf(0)
  return end === -1 ? bytes : bytes.subarray(0, end)
}

const octal = (header: Buffer, start: number, length: number): number => {
  const digits = field(header, start, length).toString("latin1").trim()
  if (!/^[0-7]*$/.test(digits))
    throw invalid("The archive isn't a valid tar file: it contains a number that isn't octal.")
  return digits === "" ? 0 : Number.parseInt(digits, 8)
}

const checkSum = (header: Buffer): void => {
  // The field itself counts as blanks.
  let sum = 8 * 0x20
  for (let at = 0; at < blockBytes; at++) if (at < 148 || at >= 156) sum += header[at] ?? 0
  if (sum !== octal(header, 148, 8)) throw invalid("The archive is broken: a checksum is wrong.")
}

/** Records of a pax header (POSIX.1-2001): `<length> <key>=<value>\n`. */
const paxRecords = (content: Buffer): ReadonlyMap<string, Buffer> => {
  const records = new Map<string, Buffer>()
  for (let at = 0; at < content.length; ) {
    const blank = content.indexOf(0x20, at)
    const length = Number(content.subarray(at, blank).toString("latin1"))
    const equals = content.indexOf(0x3d, blank)
    const end = at + length
    if (
      blank === -1 ||
      !Number.isInteger(length) ||
      length < 4 ||
      end > content.length ||
      equals === -1 ||
      equals >= end
    )
      throw invalid("The archive is broken: a pax header is malformed.")
    records.set(content.subarray(blank + 1, equals).toString("latin1"), content.subarray(equals + 1, end - 1))
    at = end
  }
  return records
}

/** Takes exact portions out of chunks of any size, buffering no more than the present chunk. */
const makeSource = (chunks: AsyncIterable<Buffer>) => {
  const iterator = chunks[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  const fill = async (): Promise<boolean> => {
    while (rest.length === 0) {
      const next = await iterator.next()
      if (next.done) return false
      rest = next.value
    }
    return true
  }
  const takeSome = async (most: number): Promise<Buffer> => {
    if (!(await fill())) throw invalid("The archive ends too early.")
    const taken = rest.subarray(0, most)
    rest = rest.subarray(taken.length)
    return taken
  }
  const take = async (count: number): Promise<Buffer> => {
    const parts: Array<Buffer> = []
    for (let left = count; left > 0; ) {
      const part = await takeSome(left)
      parts.push(part)
      left -= part.length
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
  }
  return { fill, take, takeSome }
}

/**
 * The files and links of a POSIX tar (ustar, with pax headers for long paths), in constant memory. Folders are skipped.
 * Anything else (devices, hard links, sparse files) is refused.
 */
export async function* readTar(chunks: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const source = makeSource(chunks)
  let pax: ReadonlyMap<string, Buffer> = new Map()
  while (await source.fill()) {
    const header = await source.take(blockBytes)
    if (header.every((byte) => byte === 0)) return
    checkSum(header)
    const type = String.fromCharCode(header[156] ?? 0)
    const paxSize = pax.get("size")?.toString("latin1")
    if (paxSize !== undefined && !/^\d{1,15}$/.test(paxSize))
      throw invalid("The archive isn't a valid tar file: a size isn't a number.")
    const size = paxSize === undefined ? octal(header, 124, 12) : Number(paxSize)
    const padding = (blockBytes - (size % blockBytes)) % blockBytes

    if (type === "x" || type === "g") {
      if (size > largestHeader) throw invalid("The archive has a pax header of more than 64 KiB.")
      const records = paxRecords(await source.take(size))
      await source.take(padding)
      // We ignore a global header like a comment: no snapshot has anything that it could set for all.
      if (type === "x") pax = records
      continue
    }
    const prefix = header.subarray(257, 262).toString("latin1") === "ustar" ? text(field(header, 345, 155)) : ""
    const name = text(pax.get("path") ?? field(header, 0, 100))
    const path = prefix === "" || pax.has("path") ? name : `${prefix}/${name}`
    const target = text(pax.get("linkpath") ?? field(header, 157, 100))
    pax = new Map()
    if (type === "5") {
      if (size !== 0) throw invalid(`The archive contains a folder with content: ${JSON.stringify(path)}.`)
      continue
    }
    if (type !== "0" && type !== "\0" && type !== "2")
      throw invalid(`The archive contains ${JSON.stringify(path)}, which is neither a file nor a symbolic link.`)
    if (type === "2" && size !== 0) throw invalid(`The archive contains a link with content: ${JSON.stringify(path)}.`)

    let left = size
    const content = async function* () {
      while (left > 0) {
        const part = await source.takeSome(left)
        left -= part.length
        yield part
      }
    }
    yield {
      path,
      kind: type === "2" ? "link" : "file",
      executable: (octal(header, 100, 8) & 0o100) !== 0,
      size,
      target,
      content: content()
    }
    while (left > 0) left -= (await source.takeSome(left)).length
    await source.take(padding)
  }
}
