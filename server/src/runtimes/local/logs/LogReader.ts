import type { FileHandle } from "node:fs/promises"
import { comparePositions, type LogPosition, openLogFile, wholeSize } from "./LogFiles.ts"
import { generationsIn } from "./logFileNames.ts"
import { decodeRecord, type LogRecord } from "./logRecord.ts"

const blockBytes = 64 * 1024
const newline = 0x0a
const beginning: LogPosition = { generation: 0, offset: 0 }

export interface LogFilter {
  readonly revision: string | undefined
  /** Epoch milliseconds. */
  readonly since: number | undefined
}

export interface PositionedRecord {
  readonly record: LogRecord
  /** The position after this record. */
  readonly position: LogPosition
}

const matches = (record: LogRecord, filter: LogFilter): boolean =>
  (filter.revision === undefined || record.r === filter.revision) &&
  (filter.since === undefined || record.t >= filter.since)

/** The current end of the log, after the last complete line. */
export const endOfLog = async (folder: string): Promise<LogPosition> => {
  const generation = (await generationsIn(folder)).at(-1)
  if (generation === undefined) return beginning
  const file = await openLogFile(folder, generation)
  if (file === undefined) return { generation, offset: 0 }
  try {
    return { generation, offset: await wholeSize(file) }
  } finally {
    await file.close()
  }
}

/** Visits a file's lines from last to first, in constant memory. `visit` returns false to stop. */
const backwards = async (
  file: FileHandle,
  end: number,
  visit: (line: Buffer, start: number) => boolean
): Promise<void> => {
  // The unvisited bytes from `start`; they end with a line's newline.
  let rest = Buffer.alloc(0)
  let start = end
  for (;;) {
    for (;;) {
      const at = rest.length < 2 ? -1 : rest.lastIndexOf(newline, rest.length - 2)
      if (at === -1) break
      if (!visit(rest.subarray(at + 1, rest.length - 1), start + at + 1)) return
      rest = rest.subarray(0, at + 1)
    }
    if (start === 0) {
      if (rest.length > 1) visit(rest.subarray(0, rest.length - 1), 0)
      return
    }
    const from = Math.max(0, start - blockBytes)
    const block = Buffer.allocUnsafe(start - from)
    const { bytesRead } = await file.read(block, 0, block.length, from)
    if (bytesRead < block.length) return
    rest = Buffer.concat([block, rest])
    start = from
  }
}

/** The position at which the last `lines` matching lines before `end` begin. */
export const startOfTail = async (
  folder: string,
  end: LogPosition,
  lines: number,
  filter: LogFilter
): Promise<LogPosition> => {
  let left = lines
  let start = end
  for (const generation of (await generationsIn(folder)).toReversed()) {
    if (left === 0) break
    if (generation > end.generation) continue
    const file = await openLogFile(folder, generation)
    if (file === undefined) break
    let older = false
    try {
      const size = generation === end.generation ? end.offset : await wholeSize(file)
      await backwards(file, size, (line, offset) => {
        const record = decodeRecord(line.toString("utf8"))
        if (record === undefined) return true
        // Times never decrease within a log, so nothing before this is newer.
        older = filter.since !== undefined && record.t < filter.since
        if (older) return false
        if (!matches(record, filter)) return true
        start = { generation, offset }
        left--
        return left > 0
      })
    } finally {
      await file.close()
    }
    if (older) break
  }
  return start
}

/**
 * Reads a service's log forward from a position, in constant memory, across rotations. Holds no file open between reads, so a
 * slow reader costs nothing and blocks no writer; lines deleted by rotation meanwhile are skipped.
 */
export class LogReader {
  readonly #folder: string
  readonly #filter: LogFilter
  #position: LogPosition

  constructor(folder: string, from: LogPosition, filter: LogFilter) {
    this.#folder = folder
    this.#position = from
    this.#filter = filter
  }

  /** The next matching records, at least one; none only at `until` or the end of the log. */
  async read(until: LogPosition | undefined): Promise<ReadonlyArray<PositionedRecord>> {
    for (;;) {
      if (until !== undefined && comparePositions(this.#position, until) >= 0) return []
      // Checked before reading: if there is already a newer file, this one has all its lines.
      const newer = (await generationsIn(this.#folder)).find((generation) => generation > this.#position.generation)
      const block = await this.#readBlock(until)
      if (block.length > 0) {
        const found = this.#take(block)
        if (found.length > 0) return found
      } else {
        if (newer === undefined) return []
        this.#position = { generation: newer, offset: 0 }
      }
    }
  }

  /** Whole lines from the position on: a block of them, or a single longer one. */
  async #readBlock(until: LogPosition | undefined): Promise<Buffer> {
    const { generation, offset } = this.#position
    const nothing = Buffer.alloc(0)
    const file = await openLogFile(this.#folder, generation)
    if (file === undefined) return nothing
    try {
      // No larger than the unread part: most reads of a follower find a line or two.
      const { size: bytes } = await file.stat()
      const limit = Math.min(bytes, until?.generation === generation ? until.offset : bytes) - offset
      for (let size = Math.min(blockBytes, limit); size > 0; size = Math.min(size * 2, limit)) {
        const block = Buffer.allocUnsafe(size)
        const { bytesRead } = await file.read(block, 0, size, offset)
        const end = block.lastIndexOf(newline, bytesRead - 1)
        if (bytesRead > 0 && end !== -1) return block.subarray(0, end + 1)
        if (bytesRead < size || size === limit) return nothing
      }
      return nothing
    } finally {
      await file.close()
    }
  }

  #take(block: Buffer): ReadonlyArray<PositionedRecord> {
    const { generation, offset } = this.#position
    const found: Array<PositionedRecord> = []
    let start = 0
    for (let end = block.indexOf(newline); end !== -1; end = block.indexOf(newline, start)) {
      const record = decodeRecord(block.toString("utf8", start, end))
      start = end + 1
      if (record !== undefined && matches(record, this.#filter))
        found.push({ record, position: { generation, offset: offset + start } })
    }
    this.#position = { generation, offset: offset + block.length }
    return found
  }
}
