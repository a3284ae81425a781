import { createReadStream } from "node:fs"
import { Effect } from "effect"
import { documentBytes } from "../documents/imageDocuments.ts"
import { OciError, ociError } from "../OciError.ts"
import { diskError } from "./diskError.ts"

const chunkBytes = 256 * 1024

/** Bytes that can be read again from any offset. */
export interface Content {
  readonly size: number
  /** The bytes from `from` up to, but without, `to`. */
  readonly read: (from: number, to: number) => AsyncIterable<Buffer>
}

const nothing = async function* (): AsyncGenerator<Buffer> {}

/** A part of a file. */
export const fileContent = (path: string, start: number, size: number): Content => ({
  size,
  read: (from, to) =>
    to <= from
      ? nothing()
      : createReadStream(path, { start: start + from, end: start + to - 1, highWaterMark: chunkBytes })
})

/** A document of an image as it is written, at most as large as registries must accept. */
export const readDocument = (content: Content, name: string): Effect.Effect<Buffer, OciError> =>
  content.size > documentBytes
    ? Effect.fail(
        ociError("invalid", `${name} has ${content.size} bytes, but a document of an image has at most 4 MiB`)
      )
    : Effect.tryPromise({
        try: async () => {
          const chunks: Array<Buffer> = []
          for await (const chunk of content.read(0, content.size)) chunks.push(chunk)
          const bytes = Buffer.concat(chunks)
          if (bytes.length !== content.size) throw ociError("invalid", `${name} is shorter than it says`)
          return bytes
        },
        catch: (cause) => (cause instanceof OciError ? cause : diskError(cause, `read ${name}`))
      })
