/**
 * The packages of a release, kept so that its commands and SDK can be run against newer servers (docs/compatibility.md):
 * `node scripts/previous.ts pack [FOLDER]` packs those of this checkout, after `npm run build`; `… install FOLDER` installs packed ones where
 * cli/test/newerServer.test.ts finds them. The folder's name is their version.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, join, resolve } from "node:path"

const root = join(import.meta.dirname, "..")
const packages = ["config-schema", "synth", "sdk", "server", "cli"]
const pnpm = process.env["MAXCLOUD_PNPM"]

const run = (command: string, args: ReadonlyArray<string>, cwd: string) => {
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit" })
  if (status !== 0) process.exit(status ?? 1)
}

const versionOf = (name: string): string => {
  const { version } = JSON.parse(readFileSync(join(root, name, "package.json"), "utf8"))
  return String(version)
}

const pack = (folder: string) => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const name of packages) {
    const args = ["pack", "--pack-destination", folder]
    const cwd = join(root, name)
    if (pnpm === undefined) run("pnpm", args, cwd)
    else run(process.execPath, [pnpm, ...args], cwd)
  }
  console.log(`previous: packed into ${folder}`)
}

const install = (folder: string) => {
  const target = join(root, "node_modules/.cache/previous", basename(folder))
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  writeFileSync(join(target, "package.json"), JSON.stringify({ name: "previous", private: true, type: "module" }))
  const tarballs = readdirSync(folder)
    .filter((name) => name.endsWith(".tgz"))
    .map((name) => join(folder, name))
  run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...tarballs], target)
  console.log(`previous: installed in ${target}`)
}

const [verb, written] = process.argv.slice(2)
const folder = resolve(written ?? join(root, "node_modules/.cache/packed", versionOf("cli")))
if (verb === "pack") pack(folder)
else if (verb === "install") install(folder)
else {
  console.error("Usage: node scripts/previous.ts pack|install [FOLDER]")
  process.exit(2)
}
