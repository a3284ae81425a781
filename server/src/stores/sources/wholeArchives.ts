import { stat } from "node:fs/promises"
import { Remembered } from "../images/registry/Remembered.ts"
import { SourceError } from "./SourceStore.ts"
import { readSnapshot } from "./snapshotArchive.ts"
import { damageCode } from "./treeFiles.ts"

/**
 * Does an archive on disk match its digest? Reads it once in a run of the server, and again when the file has changed.
 */
export const makeWholeArchives = () => {
  const known = new Remembered<string>(10_000)
  const stateOf = async (archive: string) => {
    const { ctimeNs, ino, mtimeNs, size } = await stat(archive, { bigint: true })
    return [ino, size, mtimeNs, ctimeNs].join("-")
  }
  return {
    /** The archive has just been read to its end, or its times have been set since. */
    note: async (archive: string): Promise<void> => void known.set(archive, await stateOf(archive)),
    isWhole: async (archive: string, digest: string): Promise<boolean> => {
      const state = await stateOf(archive)
      if (known.get(archive) === state) return true
      known.delete(archive)
      const found = await digestOrDamaged(() => readSnapshot(archive))
      if (found !== digest) return false
      known.set(archive, state)
      return true
    }
  }
}

/** The result of `read`; undefined if its input is damaged. */
export const digestOrDamaged = async (read: () => Promise<string>): Promise<string | undefined> => {
  try {
    return await read()
  } catch (cause) {
    const isInvalid = cause instanceof SourceError && (cause.reason === "invalid" || cause.reason === "tooLarge")
    if (isInvalid || damageCode(cause) !== undefined) return undefined
    throw cause
  }
}
