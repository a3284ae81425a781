import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { createClient, UnknownProblem } from "@maxcloud/sdk"
import { type Embedded, embedded } from "@maxcloud/server"
import { withMadeDatabase } from "../../server/test/database/madeDatabase.ts"
import { main, makeFolder, run, webPackage, webServer } from "./cli.ts"
import { newerServer } from "./newerServer.ts"

const config = `import { defineConfig, service } from "@maxcloud/sdk/config"
export default defineConfig({ app: "shop", services: [service("web", { source: "./web" })] })
`

/** Programs of earlier versions, installed by \`node scripts/previous.ts install\`, by their version. */
const previousFolder = join(import.meta.dirname, "../../node_modules/.cache/previous")
const previous = existsSync(previousFolder)
  ? readdirSync(previousFolder).map((version) => [
      version,
      join(previousFolder, version, "node_modules/@maxcloud/cli/bin/maxcloud.js")
    ])
  : []

let cloud: Embedded
let newer: Awaited<ReturnType<typeof newerServer>>
let dataDir = ""
let cwd = ""
beforeAll(async () => {
  dataDir = withMadeDatabase(mkdtempSync(join(tmpdir(), "maxcloud-cli-newer-")))
  cloud = await embedded({ dataDir })
  newer = await newerServer(cloud.url)
  cwd = makeFolder({ "maxcloud.config.ts": config, "web/package.json": webPackage, "web/server.js": webServer("web") })
}, 120_000)
afterAll(async () => {
  newer?.close()
  await cloud?.close()
  rmSync(dataDir, { recursive: true, force: true })
}, 60_000)

describe.each([["this version", main], ...previous])("a newer server and the commands of %s", (_, program) => {
  const maxcloud = async (...args: ReadonlyArray<string>) => {
    const env = { MAXCLOUD_API_URL: newer.url, MAXCLOUD_API_KEY: cloud.token ?? "" }
    const { code, stderr, stdout } = await run(args, { cwd, env, node: [program ?? main] })
    return { code, output: stdout + stderr, stdout }
  }

  it("deploy and follow to the end", async () => {
    const { code, output } = await maxcloud("deploy")
    assert.strictEqual(code, 0, output)
    const json = await maxcloud("deploy", "--json")
    assert.strictEqual(json.code, 0, json.output)
  }, 60_000)

  it("list and describe a service in a state that they don't know", async () => {
    for (const args of [["list"], ["list", "--json"], ["describe", "web"], ["describe", "web", "--json"]]) {
      const { code, output } = await maxcloud(...args)
      assert.strictEqual(code, 0, output)
      assert.match(output, /hibernating/)
    }
  }, 60_000)

  it("read logs, events, deployments and the plan", async () => {
    const logs = await maxcloud("logs", "web")
    assert.strictEqual(logs.code, 0, logs.output)
    assert.match(logs.output, /starting web/)
    for (const args of [["events"], ["events", "--json"], ["deployments", "list"], ["plan"], ["auth", "status"]]) {
      const { code, output } = await maxcloud(...args)
      assert.strictEqual(code, 0, output)
    }
  }, 60_000)

  it("show a problem that they don't know by what it says, with the exit code of its status", async () => {
    const { code, output } = await maxcloud("list", "--app", "unknown-problem")
    assert.match(output, /Wait for the full moon\./)
    assert.match(output, /npm i -D @maxcloud\/cli@latest/)
    assert.strictEqual(code, 6)
  })
})

describe("a newer server and the SDK of this version", () => {
  it("read what they know, and tell the rest apart", async () => {
    await using client = createClient({ apiUrl: newer.url, token: cloud.token })
    const [service] = await client.services.list()
    assert.strictEqual<string | undefined>(service?.status.state, "hibernating")
    const types = new Set<string>()
    const { id } = await client.deploy(
      { app: "shop", services: [{ name: "web", source: { path: join(cwd, "web") } }] },
      { onProgress: (each) => void (each._tag === "event" && types.add(each.event.type)) }
    )
    assert.includeMembers([...types], ["measured", "finished"])
    assert.strictEqual((await client.waitFor(id)).status.state, "succeeded")
    const error = await client.services.list({ app: "unknown-problem" }).then(
      () => assert.fail("it didn't fail"),
      (error: unknown) => error
    )
    assert.instanceOf(error, UnknownProblem)
    assert.deepInclude(error, { type: "https://example.com/problems/moon-phase", status: 409 })
    assert.strictEqual(error.message, "Wait for the full moon.")
  }, 60_000)
})
