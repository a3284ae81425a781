import { execFileSync } from "node:child_process"
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = join(import.meta.dirname, "../../..")
const packages = ["config-schema", "synth", "builder", "sdk", "server", "cli"]

const git = (...args: ReadonlyArray<string>) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim()

/** The last commit before the newest change of the tables: an update from it migrates them. */
export const beforeNewestMigration = (): string =>
  git("rev-parse", `${git("log", "-1", "--format=%H", "--", "server/src/base/database/migrations")}^`)

/** A commit's tree in a folder of its own, with this one's installed packages. */
export const commitTree = (commit: string) => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-commit-"))
  const archive = join(folder, "archive.tar")
  git("archive", "--format=tar", `--output=${archive}`, commit)
  execFileSync("tar", ["-xf", archive, "-C", folder])
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
  // Their links to each other are relative, and so lead to the commit's own packages.
  for (const name of packages)
    cpSync(join(root, name, "node_modules"), join(folder, name, "node_modules"), {
      recursive: true,
      verbatimSymlinks: true
    })
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
