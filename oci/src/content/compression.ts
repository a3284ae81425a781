import { createGunzip, createZstdDecompress } from "node:zlib"
import type { Content } from "./Content.ts"

export type Compression = "gzip" | "zstd"

const magic: Readonly<Record<Compression, Buffer>> = {
  gzip: Buffer.from([0x1f, 0x8b]),
  zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
}

/** How a content is compressed, by its first bytes: names and media types of archives aren't reliable. */
export const compressionOf = async (content: Content): Promise<Compression | undefined> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of content.read(0, Math.min(4, content.size))) chunks.push(chunk)
  const first = Buffer.concat(chunks)
  if (first.subarray(0, 2).equals(magic.gzip)) return "gzip"
  return first.equals(magic.zstd) ? "zstd" : undefined
}

export const decompressor = (compression: Compression) =>
  compression === "gzip" ? createGunzip() : createZstdDecompress()
