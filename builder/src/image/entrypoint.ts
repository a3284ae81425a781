import { posix } from "node:path"
import { invalid, type Program, type Start } from "../model.ts"
import { programOfStart } from "../start.ts"
import type { BasePrograms } from "./baseFiles.ts"

/** A command that means the same without a shell. */
const plainWord = /^[\w./@:,+-][\w./@:,+=-]*$/

/** The words of a script that only starts a program, so that the image needs no shell and signals reach the program. */
const wordsOf = ({ args, file }: Program): ReadonlyArray<string> => {
  const [flag, script = "", ...more] = args
  const words = /^exec (.+)$/.exec(script)?.[1]?.trim().split(/\s+/) ?? []
  const [first = ""] = words
  const isPlain = words.length > 0 && words.every((word) => plainWord.test(word)) && !first.includes("=")
  return file === "sh" && flag === "-c" && more.length === 0 && isPlain ? words : [file, ...args]
}

/** The start command of an image. `workingFolder` is absolute, and so is each of `path`. */
export const entrypointOf = (
  start: Start | ReadonlyArray<string>,
  place: {
    readonly workingFolder: string
    /** Programs of the app itself, by absolute path. */
    readonly hasFile: (path: string) => boolean
    readonly path: ReadonlyArray<string>
    readonly programs: BasePrograms
    readonly shown: string
  }
): ReadonlyArray<string> => {
  const { hasFile, path, programs, shown, workingFolder } = place
  const [file = "", ...args] = "length" in start ? start : wordsOf(programOfStart(start))
  if (file.includes("/")) return [posix.resolve(workingFolder, file), ...args]
  const isOwn = path.some((folder) => hasFile(posix.join(folder, file)))
  if (!isOwn && programs.find(file) === undefined)
    throw invalid(
      `The app starts with \`${file}\`, but ${shown} has no such program on its PATH. Name a base image with it (--base).`
    )
  return [file, ...args]
}
