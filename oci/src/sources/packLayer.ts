import { createHash } from "node:crypto"
import { createWriteStream } from "node:fs"
import { stat } from "node:fs/promises"
import { join } from "node:path"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { createGzip } from "node:zlib"
import { Effect } from "effect"
import { type Content, fileContent } from "../content/Content.ts"
import { type Compression, compressionOf, decompressor } from "../content/compression.ts"
import { diskError } from "../content/diskError.ts"
import { unpackedBytes } from "../documents/imageDocuments.ts"
import { OciError, ociError } from "../OciError.ts"
import type { Blob } from "./Image.ts"

export interface PackedLayer {
  readonly digest: string
  readonly size: number
}

/** Remembers what layers are when they're compressed, by the digest of their unpacked content: an unchanged layer isn't compressed again. */
export interface LayerMemory {
  readonly find: (diffId: string) => PackedLayer | undefined
  readonly keep: (diffId: string, packed: PackedLayer) => void
}

interface Input {
  readonly content: Content
  /** The digest of the unpacked layer, from the configuration. */
  readonly diffId: string
  readonly folder: string
  readonly memory: LayerMemory
  /** The archive. */
  readonly where: string
}

const hashing = (update: (chunk: Buffer) => void) =>
  async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      update(chunk)
      yield chunk
    }
  }

const mismatch = ({ diffId, where }: Input) =>
  ociError(
    "invalid",
    `${where}: the layer ${diffId.slice(0, 19)}… doesn't match its configuration`,
    "save the image again"
  )

const failed = (input: Input) => (cause: unknown) =>
  cause instanceof OciError
    ? cause
    : cause instanceof Error && "syscall" in cause
      ? diskError(cause, `write to ${input.folder}`)
      : ociError(
          "invalid",
          `${input.where}: the layer ${input.diffId.slice(0, 19)}… can't be unpacked`,
          "save the image again"
        )

/** Compresses a layer into a file, and verifies its content. The same content gives the same digest: the header has no time and no name. */
const compress = (input: Input) =>
  Effect.tryPromise({
    try: async (signal) => {
      const { content, diffId, folder, memory } = input
      const file = join(folder, `${diffId.slice(7)}.tar.gz`)
      const [unpacked, packed] = [createHash("sha256"), createHash("sha256")]
      await pipeline(
        Readable.from(content.read(0, content.size), { objectMode: false, highWaterMark: 1024 * 1024 }),
        hashing((chunk) => unpacked.update(chunk)),
        createGzip({ chunkSize: 256 * 1024 }),
        hashing((chunk) => packed.update(chunk)),
        createWriteStream(file, { mode: 0o600 }),
        { signal }
      )
      if (`sha256:${unpacked.digest("hex")}` !== diffId) throw mismatch(input)
      const { size } = await stat(file)
      const found: PackedLayer = { digest: `sha256:${packed.digest("hex")}`, size }
      memory.keep(diffId, found)
      return { ...found, content: fileContent(file, 0, size) }
    },
    catch: failed(input)
  })

/** A layer that is compressed already: used as it is, after a look at its unpacked content. */
const verify = (input: Input, compression: Compression) =>
  Effect.tryPromise({
    try: async (signal) => {
      const { content, diffId } = input
      const [unpacked, packed] = [createHash("sha256"), createHash("sha256")]
      let bytes = 0
      await pipeline(
        Readable.from(content.read(0, content.size), { objectMode: false }),
        hashing((chunk) => packed.update(chunk)),
        decompressor(compression),
        async (chunks: AsyncIterable<Buffer>) => {
          for await (const chunk of chunks) {
            bytes += chunk.length
            if (bytes > unpackedBytes)
              throw ociError("tooLarge", `${input.where} has more than 64 GiB when it's unpacked`)
            unpacked.update(chunk)
          }
        },
        { signal }
      )
      if (`sha256:${unpacked.digest("hex")}` !== diffId) throw mismatch(input)
      return { digest: `sha256:${packed.digest("hex")}`, size: content.size }
    },
    catch: failed(input)
  })

/** A layer of an archive as it's pushed. */
export const packLayer = (input: Input): Effect.Effect<Blob & { readonly compression: Compression }, OciError> =>
  Effect.gen(function* () {
    const { content, diffId, memory } = input
    const compression = yield* Effect.tryPromise({ try: () => compressionOf(content), catch: failed(input) })
    if (compression !== undefined) {
      const found = yield* verify(input, compression)
      return { ...found, compression, content: Effect.succeed(content) }
    }
    const known = memory.find(diffId)
    if (known === undefined) {
      const made = yield* compress(input)
      return { digest: made.digest, size: made.size, compression: "gzip", content: Effect.succeed(made.content) }
    }
    return { ...known, compression: "gzip", content: Effect.map(compress(input), (made) => made.content) }
  })
