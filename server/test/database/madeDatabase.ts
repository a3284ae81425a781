import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"

/** Names the folder in which `setup.ts` creates a database for this run. */
export const madeDatabaseVariable = "MAXCLOUD_TESTS_DATABASE"

/**
 * Copies a created and migrated database into a new data folder, so that a server there starts without `initdb`. Does nothing
 * before the run has created one: then the server creates its own. Returns the folder.
 */
export const withMadeDatabase = (dataDir: string): string => {
  const made = process.env[madeDatabaseVariable]
  if (made !== undefined && existsSync(made)) {
    mkdirSync(dataDir, { recursive: true })
    // Its owner may be Postgres's own user.
    execFileSync("cp", ["-a", join(made, "postgres"), join(made, "postgres.password"), dataDir])
  }
  return dataDir
}
