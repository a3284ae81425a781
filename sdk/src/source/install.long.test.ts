import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { installCut, type Manager } from "../../test/installCut.ts"

const npx = (name: string, ...words: ReadonlyArray<string>) => ["npx", "--yes", "--package", name, "--", ...words]
const isEven = `console.log(require("is-odd"), require("../is-odd/node_modules/is-even/package.json").version)`

/** The real package managers, from npm's registry. The workspace's packages need nothing from it. */
const managers: ReadonlyArray<Manager> = [
  {
    name: "Yarn 4",
    extra: { "yarn.lock": "" },
    lock: npx("@yarnpkg/cli-dist@4", "yarn", "install", "--no-immutable", "--mode=update-lockfile"),
    offline: () => []
  },
  {
    name: "Yarn 1",
    extra: {},
    lock: npx("yarn@1", "yarn", "install", "--ignore-scripts", "--offline"),
    offline: () => ["--offline"]
  },
  {
    name: "Bun",
    extra: { "packages/api/server.js": isEven },
    lock: npx("bun@1", "bun", "install", "--lockfile-only", "--no-frozen-lockfile"),
    offline: () => []
  }
]

describe.each(managers)("a cut of a workspace of $name", (manager) => {
  let work = ""
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), "maxcloud-install-"))
  })
  afterAll(() => rm(work, { recursive: true }))

  it("installs with its frozen lockfile, and runs the workspace's own packages", async () => {
    expect(await installCut(work, manager)).toContain("the workspace's own is-odd 1.9.9")
  }, 180_000)
})
