import { constants } from "node:fs"
import { type FileHandle, mkdir, open, readdir, rm, unlink } from "node:fs/promises"
import { join } from "node:path"

/** A place in the log of a service: the file's generation and the byte after a line. */
export interface LogPosition {
  readonly generation: number
  readonly offset: number
}

export const comparePositions = (a: LogPosition, b: LogPosition): number =>
  a.generation - b.generation || a.offset - b.offset

/** `LogEntry.cursor`: where the line ends. Later lines have later places, also after a rotation, a restart, or a removal. */
export const encodeCursor = (position: LogPosition): string => `${position.generation}-${position.offset}`

export const decodeCursor = (cursor: string): LogPosition | undefined => {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(cursor)
  return match === null ? undefined : { generation: Number(match[1]), offset: Number(match[2]) }
}

const fileName = /^(\d{1,15})\.jsonl$/

export const logFilePath = (folder: string, generation: number): string => join(folder, `${generation}.jsonl`)

const missing = (cause: unknown): boolean => cause instanceof Error && "code" in cause && cause.code === "ENOENT"

/** Generations that there are, oldest first. */
export const generationsIn = async (folder: string): Promise<ReadonlyArray<number>> => {
  const names = await readdir(folder).catch((cause: unknown) => {
    if (missing(cause)) return []
    throw cause
  })
  return names
    .flatMap((name) => {
      const match = fileName.exec(name)
      return match === null ? [] : [Number(match[1])]
    })
    .sort((a, b) => a - b)
}

/** Opens a log file to read; undefined where rotation has taken it. */
export const openLogFile = (folder: string, generation: number): Promise<FileHandle | undefined> =>
  open(logFilePath(folder, generation), "r").catch((cause: unknown) => {
    if (missing(cause)) return undefined
    throw cause
  })

const newline = 0x0a

/** Size of a file up to its last whole line: a kill in the middle of a write leaves a torn one. */
export const wholeSize = async (file: FileHandle): Promise<number> => {
  const block = Buffer.allocUnsafe(64 * 1024)
  let end = (await file.stat()).size
  while (end > 0) {
    const start = Math.max(0, end - block.length)
    const { bytesRead } = await file.read(block, 0, end - start, start)
    const at = block.subarray(0, bytesRead).lastIndexOf(newline)
    if (at !== -1) return start + at + 1
    end = start
  }
  return 0
}

/**
 * The files of one service, appended to: `maxBytes` in all at most, in `files` of equal size, the oldest of which go. One file is
 * open at most, and none while nothing is written.
 */
export class LogFiles {
  readonly #folder: string
  readonly #files: number
  readonly #maxFileBytes: number
  #handle: FileHandle | undefined
  #generation = 0
  #size = 0

  constructor(folder: string, maxBytes: number, files: number) {
    this.#folder = folder
    this.#files = files
    this.#maxFileBytes = Math.floor(maxBytes / files)
  }

  /** Writes whole lines: as many of `lines` as fit into the present file, `sizes` their lengths in bytes. Returns how many. */
  async append(lines: ReadonlyArray<string>, sizes: ReadonlyArray<number>, from: number): Promise<number> {
    let file = await this.#open()
    const first = sizes[from] ?? 0
    if (this.#size > 0 && this.#size + first > this.#maxFileBytes) file = await this.#rotate()
    let bytes = first
    let to = from + 1
    while (to < lines.length && this.#size + bytes + (sizes[to] ?? 0) <= this.#maxFileBytes) bytes += sizes[to++] ?? 0
    try {
      const batch = Buffer.from(lines.slice(from, to).join(""))
      for (let written = 0; written < batch.length; ) {
        const { bytesWritten } = await file.write(batch, written, batch.length - written, this.#size + written)
        written += bytesWritten
      }
      this.#size += batch.length
    } catch (cause) {
      // What has been written of the batch is torn: opening again cuts it off.
      await this.close()
      throw cause
    }
    return to - from
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close().catch(() => undefined)
  }

  async remove(): Promise<void> {
    await this.close()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #open(): Promise<FileHandle> {
    if (this.#handle !== undefined) return this.#handle
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    // The clock begins the count, so that a cursor from before a removal is never one of the files after it.
    this.#generation = (await generationsIn(this.#folder)).at(-1) ?? Math.max(Date.now(), this.#generation + 1)
    const file = await open(logFilePath(this.#folder, this.#generation), constants.O_RDWR | constants.O_CREAT, 0o600)
    this.#size = await wholeSize(file)
    await file.truncate(this.#size)
    this.#handle = file
    return file
  }

  async #rotate(): Promise<FileHandle> {
    await this.close()
    this.#generation++
    const generations = await generationsIn(this.#folder)
    for (const old of generations.slice(0, Math.max(0, generations.length - this.#files + 1))) {
      await unlink(logFilePath(this.#folder, old)).catch(() => undefined)
    }
    this.#handle = await open(logFilePath(this.#folder, this.#generation), "wx+", 0o600)
    this.#size = 0
    return this.#handle
  }
}
