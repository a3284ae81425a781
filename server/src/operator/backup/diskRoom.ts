import { statfs } from "node:fs/promises"
import { BackupError } from "./BackupError.ts"

/** Bytes that a backup leaves free on its disk for the database and logs. */
export const reservedBytes = 1024 ** 3

/** Check the free space each time this many bytes were written. */
const step = 8 * 1024 ** 2

const mebibytes = (bytes: number) => `${Math.floor(bytes / 1024 ** 2)} MiB`

/** Fails if fewer than `reserve` plus `more` bytes are free on the folder's disk. */
export const expectRoom = async (folder: string, reserve: number, more = 0): Promise<void> => {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (free >= reserve + more) return
  throw new BackupError({
    reason: "space",
    message: `The disk of ${folder} has ${mebibytes(free)} free. A backup leaves ${mebibytes(reserve)} of it to the server${more < 1024 ** 2 ? "" : `, and needs ${mebibytes(more)} itself`}. Free some space, or set MAXCLOUD_BACKUP_FOLDER to a folder on another disk.`
  })
}

/** Aborts a backup that would fill its folder's disk. */
export const keepRoom = (folder: string, reserve: number) =>
  async function* (sealed: AsyncIterable<Uint8Array>) {
    let since = 0
    for await (const chunk of sealed) {
      since += chunk.length
      if (since >= step) {
        since = 0
        await expectRoom(folder, reserve)
      }
      yield chunk
    }
  }
