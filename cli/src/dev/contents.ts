import { createHash } from "node:crypto"
import { lstat, readFile } from "node:fs/promises"

const largestRead = 16 * 2 ** 20

const fingerprint = async (file: string): Promise<string> => {
  try {
    const found = await lstat(file)
    if (!found.isFile() || found.size > largestRead) return `${found.mtimeMs} ${found.size}`
    return createHash("sha256")
      .update(await readFile(file))
      .digest("hex")
  } catch {
    return "gone"
  }
}

/** Distinguishes changed files from files that were rewritten with the same content, as compilers do at each start. */
export const makeContents = () => {
  const known = new Map<string, string>()
  return {
    /** The files with changed content since the last call. A file that is new here counts as changed. */
    changed: async (files: Iterable<string>): Promise<ReadonlyArray<string>> => {
      const changed: Array<string> = []
      for (const file of files) {
        const now = await fingerprint(file)
        if (known.get(file) !== now) changed.push(file)
        known.set(file, now)
      }
      return changed
    }
  }
}
