import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs"
import { errorCode } from "../node/errorCode.ts"

/** Creates the file with its whole content, if it doesn't exist. */
const linkNew = (from: string, to: string): boolean => {
  try {
    linkSync(from, to)
    return true
  } catch (cause) {
    if (errorCode(cause) === "EEXIST") return false
    throw cause
  } finally {
    unlinkSync(from)
  }
}

/**
 * Replaces the content `former` of `file` with `text` (undefined: there was no file). False: somebody else was faster,
 * and their text stays. If several processes try at once, exactly one gets true.
 */
export const takeClaim = (file: string, former: string | undefined, text: string): boolean => {
  const beside = `${file}.${process.pid}`
  if (former !== undefined) {
    const aside = `${beside}.former`
    try {
      renameSync(file, aside)
    } catch (cause) {
      if (errorCode(cause) === "ENOENT") return false
      throw cause
    }
    if (readFileSync(aside, "utf8") !== former) {
      linkNew(aside, file)
      return false
    }
    unlinkSync(aside)
  }
  writeFileSync(beside, text, { mode: 0o600 })
  return linkNew(beside, file)
}
