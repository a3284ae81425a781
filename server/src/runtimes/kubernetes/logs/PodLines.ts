import { LineSplitter, maxLineBytes } from "../../../stores/logs/LineSplitter.ts"
import { comparePositions, type LinePosition, type LogLine, parseTime } from "../../../stores/logs/LogLine.ts"

export interface LinesOf {
  readonly uid: string
  readonly instance: string
  readonly revision: string
}

/** Maximum length of "2006-01-02T15:04:05.999999999Z " before each line. */
const prefixBytes = 31

/** The longest prefix of a text that fits 16 KiB in UTF-8. */
const cutToMax = (text: string): string => {
  const bytes = Buffer.from(text)
  let end = maxLineBytes
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString("utf8", 0, end)
}

/**
 * Splits one answer of the log API with `timestamps=true` into lines. A line's identity is the same in each answer, wherever it
 * begins. A runtime that reads standard output and error separately may write lines a few microseconds out of order, and such a
 * line gets the time of the previous one; so an answer should begin a second before the wanted lines. Lines up to `after` are
 * left out.
 */
export class PodLines {
  readonly #of: LinesOf
  readonly #splitter: LineSplitter
  #after: LinePosition | undefined
  #t = ""
  #n = 0
  #lines: Array<LogLine> = []

  constructor(of: LinesOf, after: LinePosition | undefined) {
    this.#of = of
    this.#after = after
    this.#splitter = new LineSplitter(
      (text, truncated) => this.#line(text, truncated),
      () => undefined,
      maxLineBytes + prefixBytes
    )
  }

  /** The lines completed by these bytes. */
  push(bytes: Uint8Array): ReadonlyArray<LogLine> {
    this.#splitter.push(bytes)
    return this.#taken()
  }

  /** The last line, if the answer ended without a newline. */
  end(): ReadonlyArray<LogLine> {
    this.#splitter.flush()
    return this.#taken()
  }

  #taken(): ReadonlyArray<LogLine> {
    const lines = this.#lines
    if (lines.length > 0) this.#lines = []
    return lines
  }

  #line(text: string, cut: boolean): void {
    const space = text.indexOf(" ")
    const written = parseTime(space === -1 ? text : text.slice(0, space))
    // The rest of a line that began before this answer.
    if (written === undefined) return
    if (written > this.#t) {
      this.#t = written
      this.#n = 0
    } else this.#n++
    const position = { t: this.#t, n: this.#n }
    if (this.#after !== undefined) {
      if (comparePositions(position, this.#after) <= 0) return
      // Positions only grow, so no later line is left out.
      this.#after = undefined
    }
    const whole = space === -1 ? "" : text.slice(space + 1)
    const long = whole.length * 3 > maxLineBytes && Buffer.byteLength(whole) > maxLineBytes
    const { instance, revision, uid } = this.#of
    this.#lines.push({
      t: position.t,
      n: position.n,
      uid,
      instance,
      revision,
      line: long ? cutToMax(whole) : whole,
      truncated: cut || long
    })
  }
}
