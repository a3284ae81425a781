import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs"
import { join } from "node:path"
import { errorCode } from "../node/errorCode.ts"
import { longestSocketPath, socketName } from "./listensIn.ts"

const isShort = (folder: string) => Buffer.byteLength(join(folder, socketName)) <= longestSocketPath

/** Folders that this process holds open, by their paths. */
const opened = new Map<string, number>()

const isStill = (folder: string, descriptor: number): boolean => {
  const held = fstatSync(descriptor)
  const there = statSync(folder, { throwIfNoEntry: false })
  return there?.ino === held.ino && there.dev === held.dev
}

/**
 * A name of the folder that's short enough for a socket path. On Linux, if its own name is too long, it goes through a
 * descriptor of this process (`/proc/self/fd`, proc(5)), which is kept until `forgetShortName`. undefined: no such name,
 * or no such folder.
 */
export const shortNameOf = (folder: string): string | undefined => {
  if (isShort(folder)) return folder
  if (process.platform !== "linux") return undefined
  const known = opened.get(folder)
  if (known !== undefined && isStill(folder, known)) return `/proc/self/fd/${known}`
  forgetShortName(folder)
  try {
    const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
    opened.set(folder, descriptor)
    return `/proc/self/fd/${descriptor}`
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined
    throw error
  }
}

export const forgetShortName = (folder: string): void => {
  const known = opened.get(folder)
  if (known !== undefined) closeSync(known)
  opened.delete(folder)
}
