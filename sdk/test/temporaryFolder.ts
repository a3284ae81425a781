import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "@effect/vitest"

const made: Array<string> = []

/** Snapshots in a server's data are read-only, so users other than root can't delete their contents. */
const makeWritable = (folder: string): void => {
  chmodSync(folder, 0o700)
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) makeWritable(join(folder, entry.name))
}

// Registered before the hooks of the importing file, so it runs after them.
afterAll(() => {
  for (const folder of made.splice(0)) {
    if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) continue
    makeWritable(folder)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
})

/** A new folder that only its owner can access. Removed after the tests of the file. */
export const temporaryFolder = (prefix: string): string => {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  made.push(folder)
  return folder
}
