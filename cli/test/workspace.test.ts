import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type Embedded, embedded } from "@maxcloud/server"
import { withMadeDatabase } from "../../server/test/database/madeDatabase.ts"
import { getByHost } from "../../server/test/getByHost.ts"
import { makeFolder, run } from "./cli.ts"

const json = (value: object) => JSON.stringify(value)

const server = `const { createServer } = require("node:http")
createServer((_, response) => response.end(require("is-odd"))).listen(Number(process.env.PORT))
`

let cloud: Embedded
let dataDir: string
let cwd: string
beforeAll(async () => {
  dataDir = withMadeDatabase(mkdtempSync(join(tmpdir(), "maxcloud-cli-workspace-")))
  cloud = await embedded({ dataDir })
  cwd = makeFolder({
    "maxcloud.yaml": "apiVersion: maxcloud.dev/v1\napp: shop\nservices:\n  - name: api\n    source: ./packages/api\n",
    "package.json": json({ name: "root", private: true, workspaces: ["packages/*"] }),
    "packages/api/package.json": json({
      name: "api",
      version: "1.0.0",
      dependencies: { "is-odd": "^3.0.0" },
      scripts: { start: "node server.js" }
    }),
    "packages/api/server.js": server,
    "packages/api/.env": "SECRET=sesame",
    // The npm registry has a package of this name and version too.
    "packages/is-odd/package.json": json({ name: "is-odd", version: "3.0.1" }),
    "packages/is-odd/index.js": `module.exports = "the workspace's own is-odd"`
  })
  const locked = spawnSync("npm", ["install", "--package-lock-only", "--offline"], { cwd, encoding: "utf8" })
  expect(locked.status, locked.stderr).toBe(0)
}, 120_000)
afterAll(async () => {
  await cloud[Symbol.asyncDispose]()
  rmSync(dataDir, { recursive: true, force: true })
}, 60_000)

const get = async (url: string) => (await getByHost(url)).text

describe("a source that is a package of a workspace", () => {
  it("runs with the workspace's own packages, and plan and deploy print what they send and leave out", async () => {
    const maxcloud = (command: string) =>
      run([command, "-f", "maxcloud.yaml"], { cwd, env: { MAXCLOUD_API_URL: cloud.url } })
    const plan = await maxcloud("plan")
    expect(plan.code, plan.stderr).toBe(0)
    expect(plan.stdout).toMatch(/build of \S+: Node.js/)
    const deploy = await maxcloud("deploy")
    expect(deploy.code, deploy.stderr).toBe(0)
    for (const { stderr } of [plan, deploy]) {
      expect(stderr).toContain(`source of api: packages/api of the workspace ${cwd}, with its packages/is-odd\n`)
      expect(stderr).toMatch(/left out of the source of api, as secret: packages\/api\/\.env /)
      expect(stderr).not.toContain("sesame")
    }
    const url = /http:\/\/\S+/.exec(deploy.stdout)?.[0] ?? ""
    expect(await get(url)).toBe("the workspace's own is-odd")
  }, 120_000)
})
