import { readdir, stat, unlink } from "node:fs/promises"
import { join } from "node:path"
import { generationsIn, logFilePath } from "./logFileNames.ts"

/** A log file in the accounts. */
export interface CountedFile {
  readonly folder: string
  readonly generation: number
  size: number
  /** When its last line was written, in epoch milliseconds, but never before earlier writes. */
  lastAt: number
  /** Is somebody writing to it? Then it stays. */
  writing: boolean
  /** It was removed: the next write needs another file. */
  gone: boolean
}

const orMissing =
  <A>(or: A) =>
  (cause: NodeJS.ErrnoException): A => {
    if (cause.code === "ENOENT") return or
    throw cause
  }

/**
 * The log files of one organization, counted against its quota. They are read once and counted from then on, so a line costs one
 * addition. Writers first reserve their bytes; if these don't fit, the least recently written files are deleted, whichever
 * service they belong to. So concurrently writing services never exceed the quota together, except by one line each if the quota
 * is too small for that.
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

  /** Bytes of all files, including writes in progress. */
  get bytes(): number {
    return this.#bytes
  }

  /** Reads once which files exist. */
  load(): Promise<void> {
    this.#loading ??= this.#load().catch((cause: unknown) => {
      this.#loading = undefined
      throw cause
    })
    return this.#loading
  }

  /** Maximum size of one file: services that write at the same time then leave others to remove. */
  get fileBytes(): number {
    const quota = this.#quota()
    return quota === null ? Number.POSITIVE_INFINITY : Math.floor(quota / (2 * Math.max(1, this.#services.size)))
  }

  /** The order in which files were written. A clock set back must not make the newest file the oldest, which is deleted first. */
  #now(): number {
    this.#latest = Math.max(this.#latest + 1, Date.now())
    return this.#latest
  }

  /**
   * The generation of a service's first file. It starts with the clock, so that a cursor from before a removal never matches a
   * later file; if the clock is set back, it doesn't start below an earlier value.
   */
  firstGeneration(): number {
    return Math.max(Date.now(), this.#highest + 1)
  }

  /** A service's newest file, protected until `written`; undefined if it has none. */
  take(folder: string): CountedFile | undefined {
    const file = this.#services.get(folder)?.at(-1)
    if (file !== undefined) file.writing = true
    return file
  }

  /** Counts a new file, the newest of its service, protected until `written`. */
  add(folder: string, generation: number): CountedFile {
    this.#highest = Math.max(this.#highest, generation)
    const file = { folder, generation, size: 0, lastAt: this.#now(), writing: true, gone: false }
    const files = this.#services.get(folder)
    if (files === undefined) this.#services.set(folder, [file])
    else files.push(file)
    return file
  }

  /** Corrects a file's count: a write was interrupted. */
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
    // Includes other writers' bytes: they made room for their own, and this write comes on top.
    while (this.#removals.size > 0) await Promise.all(this.#removals)
  }

  written(file: CountedFile): void {
    file.writing = false
    file.lastAt = this.#now()
  }

  /** Removes a service's oldest files until at most `count` are left. */
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
      // The service's other files are newer.
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
