import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { hostEnvironment } from "../host/hostEnvironment.ts"
import { DatabaseError } from "./DatabaseError.ts"
import type { Launcher } from "./launcher.ts"
import { own, ownFolder } from "./ownFolder.ts"
import { wayBack } from "./wayBack.ts"

/** The role that owns the tables. */
export const ownerRole = "maxcloud_owner"

/** The password of the database in `<dataDir>/postgres`, or a new one if neither exists. */
export const readPassword = (dataDir: string): string => {
  const folder = resolve(dataDir, "postgres")
  const passwordFile = resolve(dataDir, "postgres.password")
  if (existsSync(passwordFile)) return readFileSync(passwordFile, "utf8").trim()
  if (existsSync(join(folder, "data"))) {
    throw new DatabaseError({
      reason: "permission",
      message: `The password of the database in ${folder} is missing. Restore ${passwordFile} from a copy. Without one: ${wayBack(dataDir)}`
    })
  }
  const password = randomBytes(24).toString("hex")
  writeFileSync(`${passwordFile}.new`, `${password}\n`, { mode: 0o600 })
  renameSync(`${passwordFile}.new`, passwordFile)
  return password
}

/** Removes the leftovers of interrupted starts. If their `initdb` is still writing, a later start removes the rest. */
export const clearDrafts = (folder: string) => {
  for (const name of readdirSync(folder).filter((text) => text.startsWith("data.new"))) {
    try {
      rmSync(join(folder, name), { recursive: true, force: true })
    } catch {
      // Something is writing to it.
    }
  }
}

const initdb = (launcher: Launcher, data: string, args: ReadonlyArray<string>): Promise<void> =>
  new Promise((done, failed) => {
    const child = spawn(join(launcher.bin, "initdb"), [`--pgdata=${launcher.nameOf(data)}`, ...args], {
      ...launcher.options(data),
      env: hostEnvironment("postgres"),
      stdio: ["ignore", "pipe", "pipe"]
    })
    let output = ""
    child.stdout.resume()
    child.stderr.on("data", (chunk) => {
      output += String(chunk)
    })
    child.on("error", failed)
    child.on("close", (code) => (code === 0 ? done() : failed(new Error(output.trim() || `exit code ${code}`))))
  })

/** Creates the folder's `data`. */
export const initialise = async (folder: string, launcher: Launcher, password: string) => {
  // Created aside and then renamed, so an interrupted start never leaves half of a database. The name is unique, because
  // the `initdb` of a killed server keeps running for a while.
  const draft = join(folder, `data.new.${randomBytes(4).toString("hex")}`)
  const input = join(folder, "password.new")
  clearDrafts(folder)
  try {
    writeFileSync(input, `${password}\n`, { mode: 0o600 })
    own(input, launcher)
    ownFolder(draft, launcher, dirname(folder))
    await initdb(launcher, draft, [
      `--username=${ownerRole}`,
      `--pwfile=../${basename(input)}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
      "--data-checksums",
      "--wal-segsize=4",
      "--no-instructions"
    ])
    renameSync(draft, join(folder, "data"))
  } finally {
    rmSync(input, { force: true })
    clearDrafts(folder)
  }
}
