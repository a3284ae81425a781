import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type Embedded, embedded } from "@maxcloud/server"
import { withMadeDatabase } from "../../server/test/database/madeDatabase.ts"
import { makeFolder, run, webPackage, webServer } from "./cli.ts"

/** Services and an app named like parts of paths, commands, the SDK and JavaScript. */
const services = ["list", "constructor"]
const config = `import { defineConfig, service } from "@maxcloud/sdk/config"
export default defineConfig({
  app: "plan",
  services: ${JSON.stringify(services)}.map((name) => service(name, { source: "./web" }))
})
`
const secrets = ["import", "rollback", "__proto__"]

let cloud: Embedded
let dataDir = ""
let cwd = ""
beforeAll(async () => {
  dataDir = withMadeDatabase(mkdtempSync(join(tmpdir(), "maxcloud-cli-names-")))
  cloud = await embedded({ dataDir })
  cwd = makeFolder({ "maxcloud.config.ts": config, "web/package.json": webPackage, "web/server.js": webServer("web") })
}, 120_000)
afterAll(async () => {
  await cloud?.close()
  rmSync(dataDir, { recursive: true, force: true })
}, 60_000)

const maxcloud = async (args: ReadonlyArray<string>, stdin = "") => {
  const { code, stderr, stdout } = await run(args, { cwd, stdin, env: { MAXCLOUD_API_URL: cloud.url } })
  expect(code, `maxcloud ${args.join(" ")}: ${stderr}${stdout}`).toBe(0)
  return stdout
}

describe("names that are also words of the command line and the API", () => {
  it("are valid names of secrets", async () => {
    await maxcloud(["secrets", "import", "-"], secrets.map((name) => `${name}=first`).join("\n"))
    await Promise.all(secrets.map((name) => maxcloud(["secrets", "set", name], "second")))
    await Promise.all(secrets.map((name) => maxcloud(["secrets", "rollback", name, "--to", "1"])))
    const listed = await cloud.client.secrets.list("plan")
    expect(listed.map(({ name, version }) => [name, version]).sort()).toEqual(
      secrets.toSorted().map((name) => [name, 3])
    )
    await maxcloud(["secrets", "copy", ...secrets, "--from-stage", "production", "--to-stage", "list"])
    await Promise.all(secrets.map((name) => maxcloud(["secrets", "unset", name, "--stage", "list"])))
    expect(await cloud.client.secrets.list("plan", { stage: "list" })).toEqual([])
  }, 120_000)

  it("are valid names of services and an app", async () => {
    await maxcloud(["deploy"])
    for (const name of services) {
      const { service } = JSON.parse(await maxcloud(["describe", name, "--json"]))
      expect(service.name).toBe(name)
      await maxcloud(["logs", name])
      await cloud.client.services.pause(name)
      expect((await cloud.client.services.resume(name)).name).toBe(name)
    }
    await maxcloud(["deployments", "list", "--app", "plan"])
    await maxcloud(["delete", "list", "--app", "plan", "--yes"])
    expect((await cloud.client.services.list({ app: "plan" })).map(({ name }) => name)).toEqual(["constructor"])
  }, 120_000)
})
