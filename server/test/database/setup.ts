import { spawn } from "node:child_process"
import { once } from "node:events"
import { rmSync } from "node:fs"
import { join } from "node:path"
import type { TestProject } from "vitest/node"
import { madeDatabaseVariable } from "./madeDatabase.ts"

/** Creates the database that tests start with, in parallel with the first of them, and removes it after the last. */
export default ({ config }: TestProject) => {
  const folder = config.env[madeDatabaseVariable]
  if (folder === undefined) return undefined
  const making = spawn(process.execPath, [join(import.meta.dirname, "makeDatabase.ts"), folder], { stdio: "inherit" })
  const made = once(making, "exit")
  return async () => {
    await made
    for (const each of [folder, `${folder}.new`]) rmSync(each, { recursive: true, force: true })
  }
}
