import type { DiskWatch } from "../../../base/disk/DiskWatch.ts"
import { errorText } from "../../../base/host/systemFault.ts"
import { guardedBy } from "../../../base/node/guarded.ts"
import { LineSplitter } from "../../../stores/logs/LineSplitter.ts"
import { LogFiles } from "./LogFiles.ts"
import type { LogSource, LogWriter } from "./LogWriter.ts"
import { encodeRecord, type LogRecord } from "./logRecord.ts"
import type { OrganizationLogs } from "./OrganizationLogs.ts"

/** How long to collect lines before a write. */
const gatherMs = 4
/** The file is closed after this time without a line. */
const idleMs = 1_000
/** Maximum bytes waiting for the disk, for each writer. */
const maxPendingBytes = 1024 * 1024
/** Room beyond that for the platform's own lines, which report what was dropped. */
const systemRoomBytes = 64 * 1024

/** A fault loses one batch, or one reader's turn: the next line recovers both. */
const guarded = guardedBy(() => {})

/** One writer's waiting bytes, shared with the batches that contain them. */
interface Account {
  readonly source: LogSource
  pending: number
  droppedBytes: number
  /** Why lines were last dropped. */
  why: string
}

const tooFast = "the disk was too slow"

/** Accepts the lines of one service's writers, and writes them in batches, in order of arrival. */
export class ServiceLog {
  readonly folder: string
  readonly #files: LogFiles
  readonly #disk: DiskWatch | undefined
  readonly #waiting = new Set<() => void>()
  #lines: Array<string> = []
  #sizes: Array<number> = []
  #accounts: Array<Account> = []
  #gathering: NodeJS.Timeout | undefined
  #idle: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #lastAt = 0
  #writers = 0
  /** The number of its readers. */
  readers = 0
  /** Its files are deleted, and there will be no more. */
  removed = false
  /** Grows with each batch: a reader that has everything waits for the next value. */
  version = 0

  constructor(
    folder: string,
    limits: { readonly maxBytes: number; readonly files: number },
    organization: OrganizationLogs,
    disk?: DiskWatch | undefined
  ) {
    this.folder = folder
    this.#disk = disk
    this.#files = new LogFiles(folder, limits, organization)
  }

  /** Nobody writes or reads it, so it may be forgotten. */
  get unused(): boolean {
    return this.#writers === 0 && this.readers === 0 && this.#lines.length === 0 && this.#writing === undefined
  }

  writer(source: LogSource): LogWriter {
    const account: Account = { source, pending: 0, droppedBytes: 0, why: tooFast }
    const add = (stream: LogRecord["s"], line: string, truncated: boolean) =>
      this.#add(account, stream, line, truncated)
    const splitter = (stream: "o" | "e") =>
      new LineSplitter(
        (line, truncated) => add(stream, line, truncated),
        (bytes) => add("s", `Cut ${bytes} bytes of a line over 16 KiB`, false)
      )
    const stdout = splitter("o")
    const stderr = splitter("e")
    let open = true
    this.#writers++
    return {
      write: (stream, chunk) => {
        if (open) (stream === "stdout" ? stdout : stderr).push(chunk)
      },
      system: (line) => {
        // A failed build's reason has several lines.
        if (open) for (const one of line.slice(0, 4096).split("\n")) add("s", one, false)
      },
      close: async () => {
        if (open) {
          open = false
          stdout.flush()
          stderr.flush()
          this.#tellDropped(account)
          this.#writers--
        }
        await this.flush()
      }
    }
  }

  /** Resolves when everything received so far is in the files, or lost to a full disk. */
  async flush(): Promise<void> {
    if (this.#gathering !== undefined) {
      clearTimeout(this.#gathering)
      this.#gathering = undefined
    }
    this.#write()
    while (this.#writing !== undefined) await this.#writing
  }

  /** Calls back once when there is more than at `version`. Returns the function that cancels it. */
  whenNewer(version: number, listener: () => void): () => void {
    if (this.version !== version) {
      listener()
      return () => {}
    }
    this.#waiting.add(listener)
    return () => this.#waiting.delete(listener)
  }

  async remove(): Promise<void> {
    this.removed = true
    await this.flush()
    if (this.#idle !== undefined) clearTimeout(this.#idle)
    await this.#files.remove()
    this.#wake()
  }

  async close(): Promise<void> {
    await this.flush()
    if (this.#idle !== undefined) clearTimeout(this.#idle)
    await this.#files.close()
  }

  #add(account: Account, s: LogRecord["s"], line: string, truncated: boolean): void {
    if (this.removed) return
    const room = s === "s" ? maxPendingBytes + systemRoomBytes : maxPendingBytes
    if (account.pending + line.length > room) {
      // Lines waiting for a disk that accepts nothing are dropped with its fault as the reason.
      if (account.droppedBytes === 0) account.why = tooFast
      account.droppedBytes += Buffer.byteLength(line) + 1
      return
    }
    if (account.pending < maxPendingBytes / 2) this.#tellDropped(account)
    this.#enqueue(account, s, line, truncated)
  }

  #tellDropped(account: Account): void {
    const { droppedBytes, why } = account
    if (droppedBytes === 0 || this.removed) return
    account.droppedBytes = 0
    this.#enqueue(account, "s", `Dropped ${droppedBytes} bytes: ${why}`, false)
  }

  #enqueue(account: Account, s: LogRecord["s"], line: string, truncated: boolean): void {
    // A clock set back must not put lines before earlier ones.
    this.#lastAt = Math.max(this.#lastAt, Date.now())
    const fields = { t: this.#lastAt, r: account.source.revision, i: account.source.instance, s, l: line }
    const record = encodeRecord(truncated ? { ...fields, x: 1 } : fields)
    const size = Buffer.byteLength(record)
    account.pending += size
    this.#lines.push(record)
    this.#sizes.push(size)
    this.#accounts.push(account)
    if (this.#gathering === undefined && this.#writing === undefined) {
      const write = guarded(() => {
        this.#gathering = undefined
        this.#write()
      })
      this.#gathering = setTimeout(write, gatherMs)
    }
  }

  #write(): void {
    if (this.#writing !== undefined || this.#lines.length === 0) return
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined
      this.#closeWhenIdle()
    })
  }

  async #writeAll(): Promise<void> {
    while (this.#lines.length > 0) {
      const lines = this.#lines
      const sizes = this.#sizes
      const accounts = this.#accounts
      this.#lines = []
      this.#sizes = []
      this.#accounts = []
      for (let from = 0; from < lines.length; ) {
        const { count, written } = await this.#append(lines, sizes, accounts, from)
        for (let i = from; i < from + count; i++) {
          const account = accounts[i]
          if (account === undefined) continue
          account.pending -= sizes[i] ?? 0
          // Not after a failure: the line would fail as well, and the next one reports it.
          if (written && account.pending === 0) this.#tellDropped(account)
        }
        from += count
        this.#wake()
      }
    }
  }

  /** Appends some lines. If the disk doesn't accept them, they are lost and counted. */
  async #append(
    lines: ReadonlyArray<string>,
    sizes: ReadonlyArray<number>,
    accounts: ReadonlyArray<Account>,
    from: number
  ): Promise<{ readonly count: number; readonly written: boolean }> {
    const rest = { count: lines.length - from, written: false }
    if (this.removed) return rest
    try {
      await this.#disk?.require()
      return { count: await this.#files.append(lines, sizes, from), written: true }
    } catch (cause) {
      this.#disk?.report(cause)
      const why = errorText(cause, "the server's data folder")
      for (let i = from; i < lines.length; i++) {
        const account = accounts[i]
        if (account === undefined) continue
        account.droppedBytes += sizes[i] ?? 0
        account.why = why
      }
      return rest
    }
  }

  #closeWhenIdle(): void {
    if (this.#idle !== undefined) {
      this.#idle.refresh()
      return
    }
    const close = guarded(() => {
      this.#idle = undefined
      if (this.#writing === undefined) void this.#files.close()
    })
    this.#idle = setTimeout(close, idleMs)
    this.#idle.unref()
  }

  #wake(): void {
    this.version++
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const listener of waiting) guarded(listener)()
  }
}
