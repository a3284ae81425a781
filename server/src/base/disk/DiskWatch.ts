import type { StatsFs } from "node:fs"
import { open, rm, statfs } from "node:fs/promises"
import { join } from "node:path"
import { type FaultKind, faultText, type SystemFault, systemFaultOf } from "../host/systemFault.ts"
import { bytesText } from "../words/bytesText.ts"

/** A folder whose disk is watched. */
export interface WatchedFolder {
  /** For people: `the server's data folder`. */
  readonly name: string
  /** Absolute. */
  readonly path: string
}

/** Why writing has stopped. */
export interface DiskProblem {
  /** For callers: the problem and its fix, without a path of this machine. */
  readonly message: string
  /** The affected folder. */
  readonly path: string
}

/** The write is refused, because the disk has too little room or accepts nothing. */
export class DiskRefused extends Error {
  override readonly name = "DiskRefused"
}

export interface DiskWatchOptions {
  /** The first one is the data folder, where test writes go. */
  readonly folders: readonly [WatchedFolder, ...Array<WatchedFolder>]
  /** Bytes that must stay free; 0: no minimum. */
  readonly minFreeBytes: number
  /** @default the system's own */
  readonly statfs?: (path: string) => Promise<Pick<StatsFs, "bavail" | "bsize" | "files" | "ffree">>
}

/** Watches the disks that the server writes to. */
export interface DiskWatch {
  /** The problem at the last check. */
  readonly problem: () => DiskProblem | undefined
  /** Checks again, unless that just happened. */
  readonly look: () => Promise<DiskProblem | undefined>
  /** Throws `DiskRefused` unless there's room to write. */
  readonly require: () => Promise<void>
  /** A write to the data folder failed: if the disk is to blame, writing stops until a test write succeeds. */
  readonly report: (cause: unknown) => void
  /** Like `look`, but also makes a test write if the last one is some seconds ago. */
  readonly probe: () => Promise<DiskProblem | undefined>
  /** Free bytes by the name of the folder, at the last check. */
  readonly free: () => ReadonlyMap<string, number>
}

/** Fresh enough for the next write: at a gigabyte a second it's 100 MB. */
const freshMs = 100
const probeMs = 5_000
/** Builds and installations make many files. Not all file systems count them. */
const minFreeFiles = 1_000

const ofDisks: ReadonlySet<FaultKind> = new Set([
  "diskFull",
  "diskQuota",
  "diskReadOnly",
  "diskFails",
  "diskGone",
  "permission"
])

/**
 * Is there too little space? After a shortage we require an eighth more. Otherwise requests right at the limit would be
 * accepted and refused by turns.
 */
export const isBelow = (free: number, least: number, wasBelow: boolean): boolean =>
  free < least + (wasBelow ? Math.floor(least / 8) : 0)

const tooFull = ({ name, path }: WatchedFolder, minFreeBytes: number): DiskProblem => ({
  path,
  message: `The disk of ${name} has less than ${bytesText(minFreeBytes)} free. Free some space on it, or lower MAXCLOUD_MIN_FREE_DISK. The server then recovers by itself.`
})

const tooManyFiles = ({ name, path }: WatchedFolder): DiskProblem => ({
  path,
  message: `The disk of ${name} has room for fewer than ${minFreeFiles} more files (inodes). Remove files from it. The server then recovers by itself.`
})

const block = Buffer.alloc(4_096)

/** Writes and removes a small file. Throws the fault if that fails. */
const tryToWrite = async (folder: string): Promise<void> => {
  const path = join(folder, `.write-check-${process.pid}`)
  try {
    const file = await open(path, "w", 0o600)
    try {
      await file.writeFile(block)
      await file.datasync()
    } finally {
      await file.close()
    }
  } finally {
    await rm(path, { force: true })
  }
}

export const makeDiskWatch = (options: DiskWatchOptions): DiskWatch => {
  const { folders, minFreeBytes, statfs: read = statfs } = options
  const [data] = folders
  const below = new Map<WatchedFolder, DiskProblem>()
  const free = new Map<string, number>()
  let fault: SystemFault | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  let probedAt = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | undefined
  let probing: Promise<void> | undefined

  const problem = (): DiskProblem | undefined =>
    fault === undefined
      ? folders.map((folder) => below.get(folder)).find((value) => value !== undefined)
      : { path: data.path, message: faultText(fault, data.name) }

  const report = (cause: unknown) => {
    const found = systemFaultOf(cause)
    if (found !== undefined && ofDisks.has(found.kind)) fault = found
  }

  const lookAt = async (folder: WatchedFolder) => {
    const wasBelow = below.has(folder)
    try {
      const { bavail, bsize, ffree, files } = await read(folder.path)
      free.set(folder.name, bavail * bsize)
      if (minFreeBytes > 0 && isBelow(bavail * bsize, minFreeBytes, wasBelow)) {
        below.set(folder, tooFull(folder, minFreeBytes))
      } else if (minFreeBytes > 0 && files > 0 && isBelow(ffree, minFreeFiles, wasBelow)) {
        below.set(folder, tooManyFiles(folder))
      } else below.delete(folder)
    } catch (cause) {
      // If a folder doesn't exist yet, or its disk can't be checked, the write itself reports the problem.
      below.delete(folder)
      if (folder === data) report(cause)
    }
  }

  const tryOut = async () => {
    probedAt = performance.now()
    try {
      await tryToWrite(data.path)
      fault = undefined
    } catch (cause) {
      report(cause)
    }
  }

  const look = async (): Promise<DiskProblem | undefined> => {
    if (looking === undefined && performance.now() - lookedAt >= freshMs) {
      looking = Promise.all(folders.map(lookAt)).then(async () => {
        if (fault !== undefined) await tryOut()
        lookedAt = performance.now()
        looking = undefined
      })
    }
    await looking
    return problem()
  }

  return {
    problem,
    look,
    report,
    free: () => free,
    require: async () => {
      const found = await look()
      if (found !== undefined) throw new DiskRefused(found.message)
    },
    probe: async () => {
      if (probing === undefined && performance.now() - probedAt >= probeMs) {
        probing = tryOut().then(() => {
          probing = undefined
        })
      }
      await probing
      return look()
    }
  }
}
