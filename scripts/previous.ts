/**
 * Builds and installs the packages of an earlier commit, to run its commands and SDK against this server (docs/compatibility.md).
 * `node scripts/previous.ts [REF]` prints the folder. Default: the newest release's tag, or else the last commit.
 */
import { execFile } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { promisify } from "node:util"

const root = join(import.meta.dirname, "..")
const cache = join(root, "node_modules/.cache/previous")
const packages = ["config-schema", "synth", "sdk", "server", "cli"]

// This checkout's npm settings don't apply to another checkout.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(MAXCLOUD_|npm_|VITEST|NODE_ENV$|NODE_OPTIONS$)/.test(name))
)
const executed = promisify(execFile)
const run = async (command: string, args: ReadonlyArray<string>, cwd: string): Promise<string> => {
  const { stdout } = await executed(command, args, {
    cwd,
    env: { ...env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) },
    maxBuffer: 64 * 2 ** 20
  })
  return stdout.trim()
}

const commitOf = async (ref: string | undefined): Promise<string> => {
  const tags = await run("git", ["tag", "--list", "v*", "--sort=-version:refname"], root)
  const [newest = "HEAD"] = tags.split("\n").filter(Boolean)
  return run("git", ["rev-parse", "--verify", `${ref ?? newest}^{commit}`], root)
}

/** Builds and packs the packages of a commit in a temporary copy. */
const pack = async (commit: string, folder: string) => {
  const copy = mkdtempSync(join(tmpdir(), "maxcloud-previous-"))
  try {
    const archive = join(copy, "archive.tar")
    await run("git", ["archive", "--format=tar", `--output=${archive}`, commit], root)
    await run("tar", ["-xf", archive], copy)
    await run(process.execPath, ["scripts/run.mjs", "build"], copy)
    const { toolchain } = JSON.parse(readFileSync(join(copy, "node_modules/.max-cloud.json"), "utf8"))
    for (const name of packages) {
      await run(process.execPath, [toolchain.pnpm, "pack", "--pack-destination", folder], join(copy, name))
    }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** The folder with the installed packages of a commit. It's created once for each commit. */
export const previousPackages = async (ref?: string): Promise<string> => {
  const commit = await commitOf(ref)
  const folder = join(cache, commit)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  const made = mkdtempSync(join(cache, "new-"))
  try {
    await pack(commit, made)
    writeFileSync(join(made, "package.json"), JSON.stringify({ name: "previous", private: true, type: "module" }))
    const tarballs = readdirSync(made).flatMap((name) => (name.endsWith(".tgz") ? [`./${name}`] : []))
    await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...tarballs], made)
    renameSync(made, folder)
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
  return folder
}

if (import.meta.main) console.log(await previousPackages(process.argv[2]))
