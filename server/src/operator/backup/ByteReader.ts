/** Reads a given number of bytes at a time from a stream of chunks of any size. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #held: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]()
  }

  /** Exactly `length` bytes; fewer if the stream ends within them, undefined at its end. */
  async read(length: number): Promise<Buffer | undefined> {
    if (this.#held.length >= length) {
      const held = this.#held.subarray(0, length)
      this.#held = this.#held.subarray(length)
      return held
    }
    const parts = [this.#held]
    let size = this.#held.length
    while (size < length) {
      const next = await this.#chunks.next()
      if (next.done === true) break
      parts.push(Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength))
      size += next.value.byteLength
    }
    const all = Buffer.concat(parts, size)
    this.#held = all.subarray(length)
    return all.length === 0 && length > 0 ? undefined : all.subarray(0, length)
  }
}
