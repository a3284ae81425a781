import { createReadStream, createWriteStream } from "node:fs"
import { open as openFile, rename, rm } from "node:fs/promises"
import { dirname } from "node:path"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { createGunzip, createGzip } from "node:zlib"
import { Schema } from "effect"
import { errorCode } from "../../base/node/errorCode.ts"
import { BackupError } from "./BackupError.ts"
import { ByteReader } from "./ByteReader.ts"
import { type Entry, readEntries, writeEntries } from "./entries.ts"
import { open, seal } from "./sealedStream.ts"

/** Readable by anyone with the file. The master key wraps only this file's key. */
export const Header = Schema.Struct({
  format: Schema.Literal(1),
  /** The version of max-cloud. */
  version: Schema.String,
  /** RFC 3339. */
  createdAt: Schema.String,
  masterKeyId: Schema.String,
  /** Base64. */
  wrappedKey: Schema.String,
  /** `database`: without files of the data folder, which a restore leaves alone. Absent: with them. */
  holds: Schema.optional(Schema.Literal("database"))
})
export type Header = typeof Header.Type

const mark = "maxcloud backup\n"
const longestHeader = 64 * 1024
const encode = Schema.encodeSync(Schema.parseJson(Header))
const decode = Schema.decodeUnknownOption(Schema.parseJson(Header))

export type Entries = AsyncIterable<{ readonly entry: Entry; readonly data: AsyncIterable<Uint8Array> }>

export interface WriteOptions {
  /** Sees the bytes written to the disk, and can abort by throwing. */
  readonly watch?: (sealed: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>
  readonly signal?: AbortSignal
}

/**
 * Writes a backup: a magic number, the header (its length in 4 bytes, then JSON), and the entries, compressed by gzip
 * and sealed. The file appears only once it's complete and on the disk, and never replaces another.
 */
export const writeBackup = async (
  path: string,
  header: Header,
  key: Uint8Array,
  entries: Entries,
  { signal, watch = (value) => value }: WriteOptions = {}
): Promise<void> => {
  const head = Buffer.from(encode(header))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(head.length)
  const draft = `${path}.unfinished`
  try {
    await pipeline(
      Readable.from(writeEntries(entries)),
      createGzip(),
      async function* (compressed: AsyncIterable<Uint8Array>) {
        yield Buffer.concat([Buffer.from(mark), length, head])
        yield* watch(seal(key, head, compressed))
      },
      createWriteStream(draft, { flags: "wx", mode: 0o600, flush: true }),
      { ...(signal === undefined ? {} : { signal }) }
    )
    await rename(draft, path)
    const folder = await openFile(dirname(path), "r")
    await folder.sync().finally(() => folder.close())
  } catch (error) {
    if (errorCode(error) !== "EEXIST") await rm(draft, { force: true })
    throw error
  }
}

const begin = async (path: string) => {
  const source = new ByteReader(createReadStream(path))
  const first = await source.read(mark.length + 4)
  if (first?.length !== mark.length + 4 || first.toString("latin1", 0, mark.length) !== mark) {
    throw new BackupError({ reason: "file", message: `${path} isn't a max-cloud backup.` })
  }
  const length = first.readUInt32BE(mark.length)
  const head = length > longestHeader ? undefined : await source.read(length)
  const header = head?.length === length ? decode(head.toString("utf8")) : undefined
  if (head === undefined || header === undefined || header._tag === "None") {
    throw new BackupError({
      reason: "file",
      message: `This version can't read the backup ${path}: its format is unknown, or the file was changed. Use the version of max-cloud that made it, or another copy.`
    })
  }
  return { source, head, header: header.value }
}

/** A backup's header. Throws a `BackupError` if the file isn't a backup. */
export const readHeader = async (path: string): Promise<Header> => (await begin(path)).header

/** A backup's entries. Throws a `BackupError` if the file was changed or is incomplete. */
export async function* readBackup(path: string, key: Uint8Array) {
  const { head, source } = await begin(path)
  const compressed = Readable.from(open(key, head, source))
  const plain = compressed.pipe(createGunzip())
  compressed.on("error", (error) => plain.destroy(error))
  yield* readEntries(new ByteReader(plain))
}
