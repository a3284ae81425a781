/** Longest line to assemble, in bytes: several times the largest object that etcd accepts. */
const maxLineBytes = 32 * 1024 * 1024

const newline = 10

/** Assembles byte chunks into lines. A line becomes a string once, when it's complete. */
export class LineReader {
  #rest: Array<Uint8Array> = []
  #bytes = 0

  /** The lines completed by this chunk. Throws if one is too long. */
  push(piece: Uint8Array): ReadonlyArray<string> {
    const lines: Array<string> = []
    let start = 0
    for (let end = piece.indexOf(newline); end !== -1; end = piece.indexOf(newline, start)) {
      const tail = piece.subarray(start, end)
      const line = this.#rest.length === 0 ? tail : Buffer.concat([...this.#rest, tail])
      this.#rest = []
      this.#bytes = 0
      if (line.length > 0) lines.push(Buffer.from(line.buffer, line.byteOffset, line.length).toString("utf8"))
      start = end + 1
    }
    if (start < piece.length) {
      const tail = piece.subarray(start)
      this.#bytes += tail.length
      if (this.#bytes > maxLineBytes) throw new Error(`a line is longer than ${maxLineBytes} bytes`)
      this.#rest.push(tail)
    }
    return lines
  }
}
