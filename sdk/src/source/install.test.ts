import { spawnSync } from "node:child_process"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { buffer } from "node:stream/consumers"
import { Effect } from "effect"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { snapshotOf } from "../snapshot.ts"

/** A workspace whose packages need nothing of a registry: `is-odd` and `is-even` are names that npm's registry has as well. */
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
    dependencies: { "is-even": "^1.0.0" },
    scripts: { postinstall: "exit 1", prepare: "exit 1" }
  },
  "packages/web/cli.js": "#!/usr/bin/env node"
}

const managers = [
  {
    name: "npm",
    extra: {},
    lock: ["npm", "install", "--package-lock-only", "--offline"],
    install: ["npm", "ci", "--offline", "--omit=dev", "--no-audit", "--no-fund"]
  },
  {
    name: "pnpm",
    extra: {
      "pnpm-workspace.yaml": "packages:\n  - packages/*\n",
      "packages/api/package.json": { name: "api", version: "1.0.0", dependencies: { "is-odd": "workspace:^" } },
      "packages/is-odd/package.json": { name: "is-odd", version: "3.0.9", dependencies: { "is-even": "workspace:*" } },
      "packages/web/package.json": {
        name: "web",
        version: "1.0.0",
        bin: { web: "./cli.js" },
        dependencies: { "is-even": "workspace:*" },
        scripts: { postinstall: "exit 1" }
      },
      "packages/api/server.js": `console.log(require("is-odd"), require("../is-odd/node_modules/is-even/package.json").version)`
    },
    lock: ["pnpm", "install", "--lockfile-only", "--offline"],
    install: ["pnpm", "install", "--prod", "--frozen-lockfile", "--offline"]
  }
]

const pnpm = process.env["MAXCLOUD_PNPM"]
const run = (cwd: string, words: ReadonlyArray<string>): string => {
  const [file = "", ...args] =
    words[0] === "pnpm" && pnpm !== undefined ? [process.execPath, pnpm, ...words.slice(1)] : words
  const { output, status } = spawnSync(file, args, { cwd, encoding: "utf8", env: { ...process.env, CI: "true" } })
  assert.strictEqual(status, 0, output?.join("\n"))
  return output.join("")
}

describe.each(managers)("a cut of a workspace of $name", ({ extra, install, lock, name }) => {
  let work = ""
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), "maxcloud-install-"))
  })
  afterAll(() => rm(work, { recursive: true }))

  it.skipIf(name === "pnpm" && pnpm === undefined)(
    "installs by its frozen lockfile, and runs the workspace's own packages",
    async () => {
      const [there, cut] = [join(work, "there"), join(work, "cut")]
      for (const [path, content] of Object.entries({ ...files, ...extra })) {
        await mkdir(dirname(join(there, path)), { recursive: true })
        await writeFile(join(there, path), typeof content === "string" ? content : JSON.stringify(content))
      }
      run(there, lock)
      const snapshot = await Effect.runPromise(snapshotOf(join(there, "packages/api")))
      assert.deepStrictEqual(snapshot.cut, { package: "packages/api", with: ["packages/is-even", "packages/is-odd"] })
      await mkdir(cut)
      const unpacked = spawnSync("tar", ["-xzf", "-", "-C", cut], { input: await buffer(snapshot.archive()) })
      assert.strictEqual(unpacked.status, 0)
      run(cut, install)
      assert.include(run(join(cut, "packages/api"), ["node", "server.js"]), "the workspace's own is-odd 1.9.9")
    },
    60_000
  )
})
