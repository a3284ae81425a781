import { createCipheriv, createDecipheriv, createHash } from "node:crypto"
import { BackupError } from "./BackupError.ts"
import { ByteReader } from "./ByteReader.ts"

const chunkLength = 64 * 1024
const tagLength = 16

const changed = () =>
  new BackupError({
    reason: "file",
    message: "The backup was changed, or its end is missing. Nothing was restored from it. Use another copy."
  })

/**
 * A chunk's number, and whether it's the last one, so that reordering and truncation are detected (STREAM, eprint
 * 2015/189).
 */
const nonceOf = (index: number, last: boolean) => {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(Math.floor(index / 2 ** 32), 3)
  nonce.writeUInt32BE(index % 2 ** 32, 7)
  nonce.writeUInt8(last ? 1 : 0, 11)
  return nonce
}

/**
 * Seals a stream with a key used for nothing else: AES-256-GCM in chunks of 64 KiB, each preceded by its length (4
 * bytes, the tag of 16 bytes included), all bound to `header`.
 */
export async function* seal(key: Uint8Array, header: Uint8Array, plain: AsyncIterable<Uint8Array>) {
  const additional = createHash("sha256").update(header).digest()
  const source = new ByteReader(plain)
  let chunk = (await source.read(chunkLength)) ?? Buffer.alloc(0)
  for (let index = 0; ; index++) {
    const next = await source.read(chunkLength)
    const cipher = createCipheriv("aes-256-gcm", key, nonceOf(index, next === undefined)).setAAD(additional)
    const sealed = Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(sealed.length)
    yield length
    yield sealed
    if (next === undefined) return
    chunk = next
  }
}

/** The decrypted content, chunk by chunk. Fails with a `BackupError` at the first modified chunk. */
export async function* open(key: Uint8Array, header: Uint8Array, source: ByteReader) {
  const additional = createHash("sha256").update(header).digest()
  let head = await source.read(4)
  for (let index = 0; ; index++) {
    const length = head?.length === 4 ? head.readUInt32BE() : 0
    if (length < tagLength || length > chunkLength + tagLength) throw changed()
    const sealed = await source.read(length)
    if (sealed?.length !== length) throw changed()
    head = await source.read(4)
    const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(index, head === undefined), {
      authTagLength: tagLength
    }).setAAD(additional)
    decipher.setAuthTag(sealed.subarray(-tagLength))
    let plain: Buffer
    try {
      plain = Buffer.concat([decipher.update(sealed.subarray(0, -tagLength)), decipher.final()])
    } catch {
      throw changed()
    }
    yield plain
    if (head === undefined) return
  }
}
