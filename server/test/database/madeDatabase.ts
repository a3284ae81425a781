import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"

/** Names the folder that `setup.ts` makes a database in, for this run. */
export const madeDatabaseVariable = "MAXCLOUD_TESTS_DATABASE"

/**
 * Puts a database that is made and migrated into a new data folder, so that a server there starts without `initdb`. Does nothing before the run
 * has made one: then the server makes its own. Gives the folder.
 */
export const withMadeDatabase = (dataDir: string): string => {
  const made = process.env[madeDatabaseVariable]
  if (made !== undefined && existsSync(made)) {
    mkdirSync(dataDir, { recursive: true })
    // Its owner may be a user of Postgres's own.
    execFileSync("cp", ["-a", join(made, "postgres"), join(made, "postgres.password"), dataDir])
  }
  return dataDir
}
