import { Schema } from "effect"
import { BackupError } from "./BackupError.ts"
import type { ByteReader } from "./ByteReader.ts"

/** The contents of a backup, in this order: the list of tables, each table (referenced ones first), then files. */
export const Entry = Schema.Union(
  Schema.Struct({ type: Schema.Literal("tables"), migration: Schema.Int }),
  /** Data: COPY's text format. */
  Schema.Struct({ type: Schema.Literal("table"), name: Schema.String, columns: Schema.Array(Schema.String) }),
  /** `path`: below the data folder, with `/`. */
  Schema.Struct({ type: Schema.Literal("file"), path: Schema.String })
)
export type Entry = typeof Entry.Type

const encode = Schema.encodeSync(Schema.parseJson(Entry))
const decode = Schema.decodeUnknownSync(Schema.parseJson(Entry))

const kind = { entry: 1, data: 2, end: 3 } as const
const longest = 16 * 2 ** 20

const frame = (type: number, bytes: Uint8Array) => {
  const head = Buffer.alloc(5)
  head.writeUInt8(type)
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/**
 * Frames of a kind (1 byte), a length (4 bytes) and that many bytes: an entry's head, then its data. A frame of its own
 * kind ends the backup.
 */
export async function* writeEntries(
  entries: AsyncIterable<{ readonly entry: Entry; readonly data: AsyncIterable<Uint8Array> }>
) {
  for await (const { data, entry } of entries) {
    yield frame(kind.entry, Buffer.from(encode(entry)))
    for await (const chunk of data) {
      for (let at = 0; at < chunk.length; at += longest) yield frame(kind.data, chunk.subarray(at, at + longest))
    }
  }
  yield frame(kind.end, Buffer.alloc(0))
}

const broken = () =>
  new BackupError({
    reason: "file",
    message: "The backup's contents aren't in the expected form: another program made it."
  })

/** Reads the entries back. Unread data of an entry is skipped when the next one is read. */
export async function* readEntries(source: ByteReader): AsyncGenerator<{
  readonly entry: Entry
  readonly data: AsyncIterable<Uint8Array>
}> {
  const next = async () => {
    const head = await source.read(5)
    if (head?.length !== 5) throw broken()
    const length = head.readUInt32BE(1)
    if (length > longest) throw broken()
    const bytes = await source.read(length)
    if (length > 0 && bytes?.length !== length) throw broken()
    return { type: head.readUInt8(), bytes: bytes ?? Buffer.alloc(0) }
  }
  let current = await next()
  async function* dataOf() {
    while (current.type === kind.data) {
      const { bytes } = current
      current = await next()
      yield bytes
    }
  }
  while (current.type === kind.entry) {
    const entry = decode(current.bytes.toString("utf8"))
    current = await next()
    yield { entry, data: dataOf() }
    while (current.type === kind.data) current = await next()
  }
  if (current.type !== kind.end) throw broken()
}
