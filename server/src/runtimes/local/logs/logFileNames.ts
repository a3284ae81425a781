import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { errorCode } from "../../../base/node/errorCode.ts"

const fileName = /^(\d{1,15})\.jsonl$/

export const logFilePath = (folder: string, generation: number): string => join(folder, `${generation}.jsonl`)

export const missing = (cause: unknown): boolean => errorCode(cause) === "ENOENT"

/** The existing generations, oldest first. */
export const generationsIn = async (folder: string): Promise<ReadonlyArray<number>> => {
  const names = await readdir(folder).catch((cause: unknown) => {
    if (missing(cause)) return []
    throw cause
  })
  return names
    .flatMap((name) => {
      const match = fileName.exec(name)
      return match === null ? [] : [Number(match[1])]
    })
    .sort((a, b) => a - b)
}
