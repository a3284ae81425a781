import { constants } from "node:fs"
import { type FileHandle, mkdir, open, rm } from "node:fs/promises"
import { logFilePath, missing } from "./logFileNames.ts"
import type { CountedFile, OrganizationLogs } from "./OrganizationLogs.ts"

/** A position in a service's log: the file's generation and the byte after a line. */
export interface LogPosition {
  readonly generation: number
  readonly offset: number
}

export const comparePositions = (a: LogPosition, b: LogPosition): number =>
  a.generation - b.generation || a.offset - b.offset

/** `LogEntry.cursor`: where the line ends. Positions only grow, also after a rotation, a restart, or a removal. */
export const encodeCursor = (position: LogPosition): string => `${position.generation}-${position.offset}`

export const decodeCursor = (cursor: string): LogPosition | undefined => {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(cursor)
  return match === null ? undefined : { generation: Number(match[1]), offset: Number(match[2]) }
}

/** Opens a log file for reading; undefined if rotation has deleted it. */
export const openLogFile = (folder: string, generation: number): Promise<FileHandle | undefined> =>
  open(logFilePath(folder, generation), "r").catch((cause: unknown) => {
    if (missing(cause)) return undefined
    throw cause
  })

const newline = 0x0a

/** Size of a file up to its last complete line: a kill in the middle of a write leaves a partial one. */
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
 * The files of one service, which are appended to: at most `maxBytes` in `files` of equal size, oldest deleted first, and with
 * the files of the organization's other services no more than its quota. At most one file is open, and none while nothing is
 * written.
 */
export class LogFiles {
  readonly #folder: string
  readonly #organization: OrganizationLogs
  readonly #files: number
  readonly #maxFileBytes: number
  #open: { readonly handle: FileHandle; readonly file: CountedFile } | undefined
  #generation = 0

  constructor(
    folder: string,
    limits: { readonly maxBytes: number; readonly files: number },
    organization: OrganizationLogs
  ) {
    this.#folder = folder
    this.#organization = organization
    this.#files = limits.files
    this.#maxFileBytes = Math.floor(limits.maxBytes / limits.files)
  }

  /**
   * Writes whole lines: as many of `lines` as fit into the current file; `sizes` are their lengths in bytes. Returns how many.
   */
  async append(lines: ReadonlyArray<string>, sizes: ReadonlyArray<number>, from: number): Promise<number> {
    await this.#organization.load()
    const most = Math.min(this.#maxFileBytes, this.#organization.fileBytes)
    const first = sizes[from] ?? 0
    let { file, handle } = await this.#current()
    try {
      if (file.size > 0 && file.size + first > most) ({ file, handle } = await this.#rotate(file))
      const { size } = file
      let bytes = first
      let to = from + 1
      while (to < lines.length && size + bytes + (sizes[to] ?? 0) <= most) bytes += sizes[to++] ?? 0
      const batch = Buffer.from(lines.slice(from, to).join(""))
      await this.#organization.reserve(file, batch.length)
      for (let written = 0; written < batch.length; ) {
        const { bytesWritten } = await handle.write(batch, written, batch.length - written, size + written)
        written += bytesWritten
      }
      return to - from
    } catch (cause) {
      // The batch may be partly written: opening the file again cuts that off.
      await this.close()
      throw cause
    } finally {
      this.#organization.written(file)
    }
  }

  async close(): Promise<void> {
    const handle = this.#open?.handle
    this.#open = undefined
    await handle?.close().catch(() => undefined)
  }

  async remove(): Promise<void> {
    await this.close()
    await this.#organization.load().catch(() => undefined)
    this.#organization.forget(this.#folder)
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** The newest file, protected from deletion until it is written. */
  async #current() {
    if (this.#open?.file.gone === true) await this.close()
    if (this.#open !== undefined) {
      this.#open.file.writing = true
      return this.#open
    }
    const known = this.#organization.take(this.#folder)
    const file =
      known ??
      this.#organization.add(this.#folder, Math.max(this.#organization.firstGeneration(), this.#generation + 1))
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      const handle = await open(logFilePath(this.#folder, file.generation), constants.O_RDWR | constants.O_CREAT, 0o600)
      this.#open = { handle, file }
      const size = await wholeSize(handle)
      await handle.truncate(size)
      this.#organization.resize(file, size)
    } catch (cause) {
      this.#organization.written(file)
      await this.close()
      throw cause
    }
    this.#generation = file.generation
    return this.#open
  }

  async #rotate(before: CountedFile) {
    await this.close()
    this.#organization.written(before)
    this.#generation = before.generation + 1
    const file = this.#organization.add(this.#folder, this.#generation)
    this.#organization.keepNewest(this.#folder, this.#files)
    try {
      this.#open = { handle: await open(logFilePath(this.#folder, this.#generation), "wx+", 0o600), file }
    } catch (cause) {
      this.#organization.written(file)
      throw cause
    }
    return this.#open
  }
}
