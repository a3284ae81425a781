import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "@effect/vitest"

const made: Array<string> = []

/** Snapshots in a server's data are read-only, which keeps a user other than root from removing what is in them. */
const makeWritable = (folder: string): void => {
  chmodSync(folder, 0o700)
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) makeWritable(join(folder, entry.name))
}

// Registered before all hooks of the file that imports it, and so run after them.
afterAll(() => {
  for (const folder of made.splice(0)) {
    if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) continue
    makeWritable(folder)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
})

/** A folder of its own, for its owner alone, that is removed after the tests of the file. */
export const temporaryFolder = (prefix: string): string => {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  made.push(folder)
  return folder
}
