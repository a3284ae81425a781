import { readdir, stat, unlink } from "node:fs/promises"
import { join } from "node:path"
import { generationsIn, logFilePath } from "./logFileNames.ts"

/** A log file, as it counts. */
export interface CountedFile {
  readonly folder: string
  readonly generation: number
  size: number
  /** When its last line was written, in epoch milliseconds, but never before what was written earlier. */
  lastAt: number
  /** Does somebody write to it at present? Then it stays. */
  writing: boolean
  /** It was removed: what is written next needs another file. */
  gone: boolean
}

const orMissing =
  <A>(or: A) =>
  (cause: NodeJS.ErrnoException): A => {
    if (cause.code === "ENOENT") return or
    throw cause
  }

/**
 * The log files of one organization, counted against its quota. They are looked at once, and counted from then on: what a line costs is an
 * addition. Whoever writes reserves its bytes first; if they don't fit, the files that were written to least recently go, of whatever
 * service. So services that write at once never have more together than the quota, except one line each if that has no room for as much.
 */
export class OrganizationLogs {
  readonly #directory: string
  readonly #quota: () => number | null
  /** By the folder of a service, oldest first. */
  readonly #services = new Map<string, Array<CountedFile>>()
  readonly #removals = new Set<Promise<void>>()
  #bytes = 0
  #latest = 0
  #highest = 0
  #loading: Promise<void> | undefined

  /** `quota`: bytes; null: no limit. It may change at any time. */
  constructor(directory: string, quota: () => number | null) {
    this.#directory = directory
    this.#quota = quota
  }

  /** Bytes of all files, and of what is being written to them. */
  get bytes(): number {
    return this.#bytes
  }

  /** Reads once which files there are. */
  load(): Promise<void> {
    this.#loading ??= this.#load().catch((cause: unknown) => {
      this.#loading = undefined
      throw cause
    })
    return this.#loading
  }

  /** The most that one file may have: several services that write at once then leave others to remove. */
  get fileBytes(): number {
    const quota = this.#quota()
    return quota === null ? Number.POSITIVE_INFINITY : Math.floor(quota / (2 * Math.max(1, this.#services.size)))
  }

  /** In which order files were written to: a clock that is set back must not make the newest the oldest, which goes first. */
  #now(): number {
    this.#latest = Math.max(this.#latest + 1, Date.now())
    return this.#latest
  }

  /**
   * The generation of a service's first file. The clock begins the count, so that a cursor from before a removal is never one of the files
   * after it; set back, it doesn't begin below what it gave before.
   */
  firstGeneration(): number {
    return Math.max(Date.now(), this.#highest + 1)
  }

  /** A service's newest file, which isn't removed until `written`; undefined if it has none. */
  take(folder: string): CountedFile | undefined {
    const file = this.#services.get(folder)?.at(-1)
    if (file !== undefined) file.writing = true
    return file
  }

  /** Counts a new file, the newest of its service, which stays until `written`. */
  add(folder: string, generation: number): CountedFile {
    this.#highest = Math.max(this.#highest, generation)
    const file = { folder, generation, size: 0, lastAt: this.#now(), writing: true, gone: false }
    const files = this.#services.get(folder)
    if (files === undefined) this.#services.set(folder, [file])
    else files.push(file)
    return file
  }

  /** Corrects what a file counts for: a write was broken off. */
  resize(file: CountedFile, size: number): void {
    if (file.gone) return
    this.#bytes += size - file.size
    file.size = size
  }

  /** Counts the `bytes` of a coming write to a file, and resolves when there is room for them. */
  async reserve(file: CountedFile, bytes: number): Promise<void> {
    this.resize(file, file.size + bytes)
    const quota = this.#quota()
    if (quota === null) return
    while (this.#bytes > quota) {
      const oldest = this.#oldest()
      if (oldest === undefined) break
      this.remove(oldest)
    }
    // Others' too: they made room for what they write, and this comes on top.
    while (this.#removals.size > 0) await Promise.all(this.#removals)
  }

  written(file: CountedFile): void {
    file.writing = false
    file.lastAt = this.#now()
  }

  /** Removes the oldest files of a service, until it has `count` at most. */
  keepNewest(folder: string, count: number): void {
    const files = this.#services.get(folder) ?? []
    for (const file of files.slice(0, Math.max(0, files.length - count))) this.remove(file)
  }

  /** The folder of a service was removed. */
  forget(folder: string): void {
    for (const file of this.#services.get(folder) ?? []) this.#uncount(file)
  }

  remove(file: CountedFile): void {
    this.#uncount(file)
    const removal = unlink(logFilePath(file.folder, file.generation))
      .catch(() => undefined)
      .then(() => void this.#removals.delete(removal))
    this.#removals.add(removal)
  }

  #uncount(file: CountedFile): void {
    if (file.gone) return
    this.resize(file, 0)
    file.gone = true
    const left = (this.#services.get(file.folder) ?? []).filter((value) => value !== file)
    if (left.length === 0) this.#services.delete(file.folder)
    else this.#services.set(file.folder, left)
  }

  #oldest(): CountedFile | undefined {
    let oldest: CountedFile | undefined
    for (const files of this.#services.values()) {
      // The others of a service are newer.
      const [first] = files
      if (first !== undefined && !first.writing && (oldest === undefined || first.lastAt < oldest.lastAt))
        oldest = first
    }
    return oldest
  }

  async #load(): Promise<void> {
    const found: Array<CountedFile> = []
    for (const namespace of await this.#folders(this.#directory)) {
      for (const service of await this.#folders(join(this.#directory, namespace))) {
        const folder = join(this.#directory, namespace, service)
        for (const generation of await generationsIn(folder)) {
          const status = await stat(logFilePath(folder, generation)).catch(orMissing(undefined))
          if (status === undefined) continue
          const { mtimeMs: lastAt, size } = status
          found.push({ folder, generation, size, lastAt, writing: false, gone: false })
        }
      }
    }
    for (const file of found) {
      this.#highest = Math.max(this.#highest, file.generation)
      this.#latest = Math.max(this.#latest, Math.floor(file.lastAt))
      this.#services.set(file.folder, [...(this.#services.get(file.folder) ?? []), file])
      this.#bytes += file.size
    }
  }

  async #folders(directory: string): Promise<ReadonlyArray<string>> {
    const entries = await readdir(directory, { withFileTypes: true }).catch(orMissing([]))
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  }
}
