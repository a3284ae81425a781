import type { Dirent } from "node:fs"
import { type FileHandle, open, readdir } from "node:fs/promises"
import { join, relative } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { errorText } from "../../base/host/systemFault.ts"
import { errorCode } from "../../base/node/errorCode.ts"
import { isWholePage, pageBytes, segmentPages } from "./pageChecksum.ts"

/** Files of tables and indexes, with their forks and segments. Postgres's other files have no pages. */
const fileName = /^\d+(?:_(?:fsm|vm|init))?(?:\.(\d+))?$/

const batchPages = 128

/** The pause after which a page that Postgres was writing is complete. */
const again = { times: 5, ms: 100 } as const

const orNone =
  <A>(none: A) =>
  (error: unknown): A => {
    if (errorCode(error) === "ENOENT") return none
    throw error
  }

/** Absolute paths of the files with pages in a data folder of Postgres. */
export const pageFiles = async (data: string): Promise<ReadonlyArray<string>> => {
  const none: ReadonlyArray<Dirent> = []
  const foldersOf = async (folder: string) =>
    (await readdir(join(data, folder), { withFileTypes: true }).catch(orNone(none)))
      .filter((entry) => entry.isDirectory() && /^\d+$/.test(entry.name))
      .map((entry) => `${folder}/${entry.name}`)
  const files: Array<string> = []
  for (const folder of ["global", ...(await foldersOf("base"))]) {
    const entries = await readdir(join(data, folder), { withFileTypes: true }).catch(orNone(none))
    for (const _ of entries) if (_.isFile() && fileName.test(_.name)) files.push(join(data, folder, _.name))
  }
  return files.sort()
}

export interface DamagedPage {
  /** Below the data folder of Postgres. */
  readonly file: string
  /** From 0, in the whole table. */
  readonly block: number
  readonly what: string
}

/** Reads from a position of the file into a buffer, and returns the number of bytes read. */
export type ReadPages = (file: FileHandle, buffer: Buffer, position: number) => Promise<number>

const readPages: ReadPages = async (file, buffer, position) =>
  (await file.read(buffer, 0, buffer.length, position)).bytesRead

const fileEnds = "The file ends within a page."
const wrongChecksum = "Its checksum is wrong."

/** A file's damaged pages on the first read, by their place in it, and the number of pages. */
const firstLook = async (file: FileHandle, first: number, read: ReadPages) => {
  const suspects = new Map<number, string>()
  const unreadable = new Map<number, string>()
  const batch = Buffer.alloc(batchPages * pageBytes)
  const { size } = await file.stat()
  let position = 0
  let singleUntil = 0
  while (position < size) {
    const wanted = position < singleUntil ? batch.subarray(0, pageBytes) : batch
    let bytes = 0
    try {
      bytes = await read(file, wanted, position)
    } catch (error) {
      // A failing disk fails in some places, so read around them one page at a time.
      if (position >= singleUntil) singleUntil = position + batch.length
      else {
        unreadable.set(position, `Couldn't read it. ${errorText(error)}`)
        position += pageBytes
      }
      continue
    }
    for (let at = 0; at < bytes; at += pageBytes) {
      const page = wanted.subarray(at, Math.min(at + pageBytes, bytes))
      if (page.length < pageBytes) suspects.set(position + at, fileEnds)
      else if (!isWholePage(page, first + (position + at) / pageBytes)) suspects.set(position + at, wrongChecksum)
    }
    position += bytes
    if (bytes < wanted.length) break
  }
  return { suspects, unreadable, pages: Math.ceil(position / pageBytes) }
}

/** Drops pages that are intact by now. It reads all of a file's at once, so many take no longer than one. */
const dropWhole = async (file: FileHandle, first: number, suspects: Map<number, string>, read: ReadPages) => {
  const page = Buffer.alloc(pageBytes)
  for (let time = 0; time < again.times && suspects.size > 0; time++) {
    await sleep(again.ms)
    for (const at of [...suspects.keys()]) {
      const bytes = await read(file, page, at).catch(() => -1)
      // None: the table has become shorter.
      if (bytes === 0 || (bytes === pageBytes && isWholePage(page, first + at / pageBytes))) suspects.delete(at)
    }
  }
}

/** Reads a whole file, whether Postgres is running or not. Returns its number of pages. */
const checkFile = async (
  data: string,
  path: string,
  found: (page: DamagedPage) => void,
  read: ReadPages
): Promise<number> => {
  const first = Number(fileName.exec(path.slice(path.lastIndexOf("/") + 1))?.[1] ?? 0) * segmentPages
  const tell = (block: number, what: string) => found({ file: relative(data, path), block, what })
  let file: FileHandle | undefined
  try {
    file = await open(path, "r").catch(orNone(undefined))
    if (file === undefined) return 0
    const { pages, suspects, unreadable } = await firstLook(file, first, read)
    await dropWhole(file, first, suspects, read)
    for (const [at, what] of [...suspects, ...unreadable]) tell(first + at / pageBytes, what)
    return pages
  } catch (error) {
    tell(first, `Couldn't read the file. ${errorText(error)}`)
    return 0
  } finally {
    await file?.close()
  }
}

/** Compares every page of every table and index with its checksum. */
export const checkPages = async (
  data: string,
  read: ReadPages = readPages
): Promise<{ readonly pages: number; readonly damaged: Array<DamagedPage> }> => {
  const damaged: Array<DamagedPage> = []
  let pages = 0
  for (const path of await pageFiles(data)) pages += await checkFile(data, path, (one) => damaged.push(one), read)
  return { pages, damaged }
}
