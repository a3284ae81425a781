import { spawnSync } from "node:child_process"
import { mkdir, rename, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { buffer } from "node:stream/consumers"
import { expect } from "@effect/vitest"
import { Effect } from "effect"
import { planBuild } from "../../builder/src/plan.ts"
import { snapshotOf } from "../src/source/snapshot.ts"

/** A workspace with packages that need no registry. npm's registry has packages named `is-odd` and `is-even` too. */
const files: Readonly<Record<string, string | object>> = {
  "package.json": { name: "root", version: "1.0.0", private: true, workspaces: ["packages/*"] },
  "packages/api/package.json": {
    name: "api",
    version: "1.0.0",
    dependencies: { "is-odd": "^3.0.0" },
    scripts: { start: "node server.js" }
  },
  "packages/api/server.js": `console.log(require("is-odd"), require("is-even/package.json").version)`,
  "packages/is-odd/package.json": { name: "is-odd", version: "3.0.9", dependencies: { "is-even": "^1.0.0" } },
  "packages/is-odd/index.js": `module.exports = "the workspace's own is-odd"`,
  "packages/is-even/package.json": { name: "is-even", version: "1.9.9" },
  "packages/web/package.json": {
    name: "web",
    version: "1.0.0",
    bin: { web: "./cli.js" },
    // A packed package that the api doesn't need. It isn't sent, so installing it would fail.
    dependencies: { "is-even": "^1.0.0", heavy: "file:../../heavy.tgz" },
    scripts: { postinstall: "exit 1", prepare: "exit 1" }
  },
  "packages/web/cli.js": "#!/usr/bin/env node"
}

export interface Manager {
  readonly name: string
  readonly extra: Readonly<Record<string, string | object>>
  readonly lock: ReadonlyArray<string>
  /** A separate folder for the install, so that it gets nothing from elsewhere. */
  readonly offline: (work: string) => ReadonlyArray<string>
}

const packHeavy = async (folder: string) => {
  const inside = join(folder, "heavy")
  await mkdir(inside)
  await writeFile(
    join(inside, "package.json"),
    JSON.stringify({ name: "heavy", version: "1.0.0", description: folder })
  )
  run(inside, ["npm", "pack", "--silent", "--pack-destination", ".."])
  await rename(join(folder, "heavy-1.0.0.tgz"), join(folder, "heavy.tgz"))
  await rm(inside, { recursive: true })
}

export const pnpm = process.env["MAXCLOUD_PNPM"]
const run = (cwd: string, words: ReadonlyArray<string>): string => {
  const [file = "", ...args] =
    words[0] === "pnpm" && pnpm !== undefined ? [process.execPath, pnpm, ...words.slice(1)] : words
  const { output, status } = spawnSync(file, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, CI: "true", YARN_NODE_LINKER: "node-modules", YARN_ENABLE_TELEMETRY: "0" }
  })
  expect(status, output?.join("\n")).toBe(0)
  return output.join("")
}

/** Locks the workspace, cuts out a package, and installs the cut as the builder does. Returns the package's output. */
export const installCut = async (work: string, { extra, lock, offline }: Manager): Promise<string> => {
  const [there, cut] = [join(work, "there"), join(work, "cut")]
  for (const [path, content] of Object.entries({ ...files, ...extra })) {
    await mkdir(dirname(join(there, path)), { recursive: true })
    await writeFile(join(there, path), typeof content === "string" ? content : JSON.stringify(content))
  }
  await packHeavy(there)
  run(there, lock)
  const snapshot = await Effect.runPromise(snapshotOf(join(there, "packages/api")))
  expect(snapshot.cut).toStrictEqual({ package: "packages/api", with: ["packages/is-even", "packages/is-odd"] })
  await mkdir(cut)
  const unpacked = spawnSync("tar", ["-xzf", "-", "-C", cut], { input: await buffer(snapshot.archive()) })
  expect(unpacked.status).toBe(0)
  const { installation } = await planBuild({ folder: cut, package: "packages/api", build: "true" })
  const { args = [], file = "", npx } = installation?.install ?? {}
  const isNpx = npx !== undefined && file !== "pnpm"
  run(cut, [...(isNpx ? ["npx", "--yes", "--package", npx, "--"] : []), file, ...args, ...offline(work)])
  return run(join(cut, "packages/api"), ["node", "server.js"])
}
