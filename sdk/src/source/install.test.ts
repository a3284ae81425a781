import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { installCut, type Manager, pnpm } from "../../test/installCut.ts"

const managers: ReadonlyArray<Manager> = [
  {
    name: "npm",
    extra: {},
    lock: ["npm", "install", "--package-lock-only", "--offline"],
    offline: (work) => ["--offline", "--cache", join(work, "cache")]
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
        dependencies: { "is-even": "workspace:*", heavy: "file:../../heavy.tgz" },
        scripts: { postinstall: "exit 1" }
      },
      "packages/api/server.js": `console.log(require("is-odd"), require("../is-odd/node_modules/is-even/package.json").version)`
    },
    lock: ["pnpm", "install", "--lockfile-only", "--offline"],
    offline: () => ["--offline"]
  }
]

describe.each(managers)("a cut of a workspace of $name", (manager) => {
  let work = ""
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), "maxcloud-install-"))
  })
  afterAll(() => rm(work, { recursive: true }))

  it.skipIf(manager.name === "pnpm" && pnpm === undefined)(
    "installs with its frozen lockfile, and runs the workspace's own packages",
    async () => {
      expect(await installCut(work, manager)).toContain("the workspace's own is-odd 1.9.9")
    },
    60_000
  )
})
