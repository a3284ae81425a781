/** Bytes of a line, without its end. */
export const maxLineBytes = 16 * 1024

/** A line as text; `truncated`: everything above 16 KiB is missing. */
export type LineSink = (line: string, truncated: boolean) => void

/** Receives how many bytes of an over-long line were cut, at the line's end. */
export type CutSink = (bytes: number) => void

const newline = 0x0a
const carriageReturn = 0x0d
const nothing = Buffer.alloc(0)

/** The largest cut of at most `end` bytes that doesn't split a UTF-8 sequence. */
const characterBoundary = (bytes: Buffer, end: number): number => {
  for (let at = end; at > end - 4 && at > 0; at--) {
    const byte = bytes[at] ?? 0
    if ((byte & 0xc0) !== 0x80) return at
  }
  return end
}

/**
 * Splits a stream of bytes into lines, for any chunking. A line ends with `\n` or `\r\n`; a lone `\r` is part of it. The rest of a line
 * over 16 KiB is dropped and counted. Bytes that aren't UTF-8 become U+FFFD. Holds at most one line.
 */
export class LineSplitter {
  readonly #line: LineSink
  readonly #cut: CutSink
  readonly #max: number
  /** The unfinished line: its first bytes, at most one `\r` more than a line may have. */
  #kept = nothing
  #length = 0
  /** Bytes left out of the present line, which has already been emitted; -1: it hasn't. */
  #dropped = -1

  /** `max`: bytes of a line. */
  constructor(line: LineSink, cut: CutSink, max = maxLineBytes) {
    this.#line = line
    this.#cut = cut
    this.#max = max
  }

  push(input: Uint8Array): void {
    const chunk = Buffer.from(input.buffer, input.byteOffset, input.byteLength)
    let start = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      if (this.#length === 0 && this.#dropped === -1 && end - start <= this.#max) this.#whole(chunk, start, end)
      else {
        this.#append(chunk, start, end)
        this.#end()
      }
      start = end + 1
    }
    if (start < chunk.length) this.#append(chunk, start, chunk.length)
  }

  /** Emits the rest, as at the end of the stream. */
  flush(): void {
    if (this.#length > 0 || this.#dropped !== -1) this.#end()
    this.#kept = nothing
  }

  #whole(chunk: Buffer, start: number, end: number): void {
    const last = end > start && chunk[end - 1] === carriageReturn ? end - 1 : end
    this.#line(chunk.toString("utf8", start, last), false)
  }

  #append(chunk: Buffer, start: number, end: number): void {
    if (this.#dropped !== -1) {
      this.#dropped += end - start
      return
    }
    const room = this.#max + 1 - this.#length
    const taken = Math.min(room, end - start)
    this.#grow(this.#length + taken)
    chunk.copy(this.#kept, this.#length, start, start + taken)
    this.#length += taken
    if (taken === end - start) return
    this.#giveTruncated()
    this.#dropped += end - start - taken
  }

  #grow(length: number): void {
    if (length <= this.#kept.length) return
    const grown = Buffer.allocUnsafe(Math.min(Math.max(length, 2 * this.#kept.length, 256), this.#max + 1))
    this.#kept.copy(grown, 0, 0, this.#length)
    this.#kept = grown
  }

  #giveTruncated(): void {
    const cut = characterBoundary(this.#kept, this.#max)
    this.#line(this.#kept.toString("utf8", 0, cut), true)
    this.#dropped = this.#length - cut
    this.#length = 0
  }

  #end(): void {
    if (this.#dropped === -1) {
      if (this.#length > 0 && this.#kept[this.#length - 1] === carriageReturn) this.#length--
      if (this.#length > this.#max) this.#giveTruncated()
      else this.#line(this.#kept.toString("utf8", 0, this.#length), false)
    }
    if (this.#dropped !== -1) this.#cut(this.#dropped)
    this.#length = 0
    this.#dropped = -1
  }
}
