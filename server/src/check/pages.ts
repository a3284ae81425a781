import type { Dirent } from "node:fs"
import { type FileHandle, open, readdir } from "node:fs/promises"
import { join, relative } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { codeOf } from "../database/DatabaseError.ts"
import { isWholePage, pageBytes, segmentPages } from "./pageChecksum.ts"

/** Files of tables and indexes, with their forks and segments. Postgres's other files have no pages. */
const fileName = /^\d+(?:_(?:fsm|vm|init))?(?:\.(\d+))?$/

const batchPages = 128

/** A page that Postgres is writing just now is whole soon after. */
const again = { times: 5, ms: 100 } as const

const orNone =
  <A>(none: A) =>
  (error: unknown): A => {
    if (codeOf(error) === "ENOENT") return none
    throw error
  }

/** Files with pages of a data folder of Postgres, absolute. */
export const pageFiles = async (data: string): Promise<ReadonlyArray<string>> => {
  const none: ReadonlyArray<Dirent> = []
  const foldersOf = async (folder: string) =>
    (await readdir(join(data, folder), { withFileTypes: true }).catch(orNone(none)))
      .filter((_) => _.isDirectory() && /^\d+$/.test(_.name))
      .map((_) => `${folder}/${_.name}`)
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

const isWholeAgain = async (file: FileHandle, at: number, block: number): Promise<boolean> => {
  const page = Buffer.alloc(pageBytes)
  for (let time = 0; time < again.times; time++) {
    await sleep(again.ms)
    const { bytesRead } = await file.read(page, 0, pageBytes, at)
    // The table has become shorter.
    if (bytesRead === 0) return true
    if (bytesRead === pageBytes && isWholePage(page, block)) return true
  }
  return false
}

/** Reads all of a file, while Postgres goes on or not. Gives how many pages it has. */
const checkFile = async (data: string, path: string, found: (page: DamagedPage) => void): Promise<number> => {
  const file = await open(path, "r").catch(orNone(undefined))
  if (file === undefined) return 0
  try {
    const first = Number(fileName.exec(path.slice(path.lastIndexOf("/") + 1))?.[1] ?? 0) * segmentPages
    const batch = Buffer.alloc(batchPages * pageBytes)
    for (let position = 0; ; ) {
      const { bytesRead } = await file.read(batch, 0, batch.length, position)
      for (let at = 0; at < bytesRead; at += pageBytes) {
        const page = batch.subarray(at, Math.min(at + pageBytes, bytesRead))
        const block = first + (position + at) / pageBytes
        const isWhole = page.length === pageBytes && isWholePage(page, block)
        if (isWhole || (await isWholeAgain(file, position + at, block))) continue
        const what = page.length < pageBytes ? "The file ends within a page." : "Its checksum is wrong."
        found({ file: relative(data, path), block, what })
      }
      position += bytesRead
      if (bytesRead < batch.length) return Math.ceil(position / pageBytes)
    }
  } finally {
    await file.close()
  }
}

/** Compares every page of every table and index with its checksum. */
export const checkPages = async (
  data: string
): Promise<{ readonly pages: number; readonly damaged: Array<DamagedPage> }> => {
  const damaged: Array<DamagedPage> = []
  let pages = 0
  for (const path of await pageFiles(data)) pages += await checkFile(data, path, (_) => damaged.push(_))
  return { pages, damaged }
}
