import { createHash, randomBytes } from "node:crypto"
import { mkdir, readFile, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"

/**
 * Twelve hexadecimal digits that identify a data folder on this machine. They're stored in the folder, so they survive a
 * move, and mixed with the file's inode, so a copy of the folder gets another id and two servers never stop each other's
 * instances.
 */
export const dataDirectoryId = async (dataDirectory: string): Promise<string> => {
  const file = join(dataDirectory, "data-directory-id")
  await mkdir(dataDirectory, { recursive: true })
  await writeFile(file, randomBytes(16).toString("hex"), { flag: "wx", mode: 0o600 }).catch((cause) => {
    if (cause.code !== "EEXIST") throw cause
  })
  const [content, { ino }] = await Promise.all([readFile(file, "utf8"), stat(file)])
  return createHash("sha256").update(`${content}\0${ino}`).digest("hex").slice(0, 12)
}
