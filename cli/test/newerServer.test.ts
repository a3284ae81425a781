import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, expect, it } from "@effect/vitest"
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
    expect(code, output).toBe(0)
    const json = await maxcloud("deploy", "--json")
    expect(json.code, json.output).toBe(0)
  }, 60_000)

  it("list and describe a service in a state that they don't know", async () => {
    for (const args of [["list"], ["list", "--json"], ["describe", "web"], ["describe", "web", "--json"]]) {
      const { code, output } = await maxcloud(...args)
      expect(code, output).toBe(0)
      expect(output).toMatch(/hibernating/)
    }
  }, 60_000)

  it("read logs, events, deployments and the plan", async () => {
    const logs = await maxcloud("logs", "web")
    expect(logs.code, logs.output).toBe(0)
    expect(logs.output).toMatch(/starting web/)
    for (const args of [["events"], ["events", "--json"], ["deployments", "list"], ["plan"], ["auth", "status"]]) {
      const { code, output } = await maxcloud(...args)
      expect(code, output).toBe(0)
    }
  }, 60_000)

  it("show a problem that they don't know by what it says, with the exit code of its status", async () => {
    const { code, output } = await maxcloud("list", "--app", "unknown-problem")
    expect(output).toMatch(/Wait for the full moon\./)
    expect(output).toMatch(/npm i -D @maxcloud\/cli@latest/)
    expect(code).toBe(6)
  })
})

describe("a newer server and the SDK of this version", () => {
  it("read what they know, and tell the rest apart", async () => {
    await using client = createClient({ apiUrl: newer.url, token: cloud.token })
    const [service] = await client.services.list()
    expect(service?.status.state).toBe("hibernating")
    const types = new Set<string>()
    const { id } = await client.deploy(
      { app: "shop", services: [{ name: "web", source: { path: join(cwd, "web") } }] },
      { onProgress: (each) => void (each._tag === "event" && types.add(each.event.type)) }
    )
    expect([...types]).toEqual(expect.arrayContaining(["measured", "finished"]))
    expect((await client.waitFor(id)).status.state).toBe("succeeded")
    const error = await client.services.list({ app: "unknown-problem" }).then(
      () => expect.unreachable("it didn't fail"),
      (error: unknown) => error
    )
    assert(error instanceof UnknownProblem)
    expect(error).toMatchObject({ type: "https://example.com/problems/moon-phase", status: 409 })
    expect(error.message).toBe("Wait for the full moon.")
  }, 60_000)
})
