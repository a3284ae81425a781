import { readdirSync, statSync } from "node:fs"
import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"

/** An automatic backup of the server. */
export interface AutomaticBackup {
  readonly path: string
  /** Counts up, so that backups have an order even if the clock was set back. */
  readonly sequence: number
  readonly createdAt: Date
  readonly bytes: number
}

const fileName = /^maxcloud-(\d{6,9})-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.backup$/
const draftName = /^maxcloud-\d{6,9}-\d{8}T\d{6}Z\.backup\.unfinished$/

/** The folder of backups, unless a setting names another. */
export const backupFolderOf = (dataDir: string, backupFolder?: string): string =>
  backupFolder ?? join(dataDir, "backups")

export const backupName = (sequence: number, createdAt: Date): string =>
  `maxcloud-${String(sequence).padStart(6, "0")}-${createdAt.toISOString().replace(/[-:]|\.\d+/g, "")}.backup`

const parse = (folder: string, name: string): ReadonlyArray<Omit<AutomaticBackup, "bytes">> => {
  const match = fileName.exec(name)
  if (match === null) return []
  const [sequence, year, month, day, hour, minute, second] = match.slice(1)
  const createdAt = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(createdAt.getTime()) ? [] : [{ path: join(folder, name), sequence: Number(sequence), createdAt }]
}

const newestFirst = (names: ReadonlyArray<string>, folder: string) =>
  names.flatMap((name) => parse(folder, name)).sort((a, b) => b.sequence - a.sequence)

/**
 * The automatic backups of a folder, newest first; none if it can't be read. Ignores files with other names. Blocks on
 * the disk: for commands, and a server that starts or stops.
 */
export const backupsIn = (folder: string): ReadonlyArray<AutomaticBackup> => {
  try {
    return newestFirst(readdirSync(folder), folder).flatMap((one) => {
      const bytes = statSync(one.path, { throwIfNoEntry: false })?.size
      return bytes === undefined ? [] : [{ ...one, bytes }]
    })
  } catch {
    return []
  }
}

/** The same for a serving server: the folder may be on a network disk that hangs, and nothing else should wait for it. */
export const findBackups = async (folder: string): Promise<ReadonlyArray<AutomaticBackup>> => {
  const names = await readdir(folder).catch(() => [])
  const found = newestFirst(names, folder).map((one) =>
    stat(one.path).then(
      ({ size: bytes }) => [{ ...one, bytes }],
      () => []
    )
  )
  return (await Promise.all(found)).flat()
}

/** Leftovers of an interrupted backup. */
export const findDrafts = async (folder: string): Promise<ReadonlyArray<string>> =>
  (await readdir(folder).catch(() => [])).filter((value) => draftName.test(value)).map((value) => join(folder, value))

const units = [
  { ms: 86_400_000, name: "day" },
  { ms: 3_600_000, name: "hour" },
  { ms: 60_000, name: "minute" }
] as const

/** As people say it: `14 hours ago`. */
export const ago = (then: Date, now: Date): string => {
  const ms = now.getTime() - then.getTime()
  if (ms < 0) return "in the future, by this machine's clock"
  const unit = units.find((unit) => ms >= 2 * unit.ms) ?? units[2]
  const count = Math.floor(ms / unit.ms)
  return count === 0 ? "just now" : `${count} ${unit.name}${count === 1 ? "" : "s"} ago`
}
