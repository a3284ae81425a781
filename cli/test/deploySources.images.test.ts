import { execFile } from "node:child_process"
import { chmodSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { temporaryFolder } from "../../sdk/test/temporaryFolder.ts"
import { freePort } from "../../server/test/freePort.ts"
import { missingTools } from "../../server/test/registry/missingTools.ts"
import { type OwnRegistry, planOwnRegistry, startOwnRegistry } from "../../server/test/registry/ownRegistry.ts"
import { ServerProcess } from "../../server/test/serverProcess.ts"
import { run } from "./cli.ts"
import { startBases, writeFiles } from "./sourceApp.ts"

const missing = missingTools("images of sources", "podman", "skopeo", "docker-registry", "busybox")

const shop = (text: string) => ({
  "shop/maxcloud.config.yaml": `app: shop
services:
  - { name: web, source: { path: ./web }, env: { WORD: hidden-word }, command: [node, server.js] }
  - { name: same, source: { path: ./web }, env: { OTHER: "1" }, command: [node, server.js] }
`,
  "shop/web/package.json": '{"name":"web","version":"1.0.0"}',
  "shop/web/server.js": `require("http").createServer((_, to) => to.end("${text}")).listen(Number(process.env.PORT))`
})

describe.skipIf(missing.length > 0)("sources deployed as images", { timeout: 180_000 }, () => {
  let server: ServerProcess
  let registry: OwnRegistry
  let bases: Awaited<ReturnType<typeof startBases>>
  const folder = temporaryFolder("deploy-sources-")
  const cache = join(folder, "cache")

  const maxcloud = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
    run([...args, "--build", "local"], {
      cwd: join(folder, "shop"),
      env: { MAXCLOUD_API_URL: server.url, MAXCLOUD_BUILD_BASE: bases.image, XDG_CACHE_HOME: cache, ...env }
    })

  beforeAll(async () => {
    chmodSync(folder, 0o711)
    mkdirSync(cache, { mode: 0o711 })
    writeFiles(folder, shop("one"))
    const plan = await planOwnRegistry()
    ;[bases, server] = [await startBases(), new ServerProcess(await freePort(), plan.settings)]
    await server.start()
    registry = await startOwnRegistry(plan, server.url)
  }, 120_000)
  afterAll(async () => {
    await server?.end("SIGTERM")
    server?.remove()
    await registry?.[Symbol.asyncDispose]()
    await bases?.[Symbol.asyncDispose]()
  }, 60_000)

  it("are built once, pushed without values of the config, and not again while they're unchanged", async () => {
    const first = await maxcloud(["deploy"])
    expect(first.code, first.stderr).toBe(0)
    expect(first.stderr.match(/^building the image of web, same$/gm)).toHaveLength(1)
    const [web] = await server.client.services.list()
    const image = web?.spec.image ?? ""
    expect(image).toMatch(/^127\.0\.0\.1:\d+\/org_[0-9a-f]{32}\/shop@sha256:[0-9a-f]{64}$/)
    const token = readFileSync(join(server.dataDirectory, "local-token"), "utf8").trim()
    const inspect = ["inspect", "--config", "--tls-verify=false", "--creds", `me:${token}`, `docker://${image}`]
    const { stdout: config } = await promisify(execFile)("skopeo", inspect)
    expect(config).toContain("server.js")
    expect(config).not.toContain("hidden-word")

    const again = await maxcloud(["deploy"])
    expect(again.code, again.stderr).toBe(0)
    expect(again.stderr).not.toMatch(/building|pushing/)
    expect((await maxcloud(["plan", "--exit-code"])).code).toBe(0)

    writeFiles(folder, shop("two"))
    const planned = await maxcloud(["plan"])
    expect(planned.stdout).toContain(
      `built on this machine, based on ${bases.image}, and pushed to ${image.split("@")[0]}`
    )
    const changed = await maxcloud(["deploy", "--json", "--detach"])
    expect(changed.code, changed.stderr).toBe(0)
    const [pushed = "{}"] = changed.stdout.split("\n")
    // The code, the image's configuration and two documents; the base and nothing else was there.
    expect(JSON.parse(pushed)).toMatchObject({ _tag: "pushed", layers: { uploaded: 4, existing: 2 } })

    writeFiles(folder, shop("for later"))
    const saved = await maxcloud(["plan", "--json", "--out", join(folder, "shop.plan")])
    expect(saved.code, saved.stderr).toBe(0)
    expect(JSON.parse(saved.stdout), saved.stderr).toHaveProperty("changes")
  })

  it("are refused if the credential may not push, and nothing is deployed", async () => {
    writeFiles(folder, shop("three"))
    const { secret } = await server.client.auth.apiKeys.create({ name: "reader", role: "viewer" })
    const refused = await maxcloud(["deploy"], { MAXCLOUD_API_KEY: secret })
    expect(refused.code, refused.stderr).toBe(4)
    expect(refused.stderr).toContain("check that your role may deploy")
    expect(refused.stderr).not.toContain("deployment ")
  })

  it("aren't pushed if one of them can't be built, or somebody names another place", async () => {
    writeFiles(folder, shop("four"))
    const failed = await maxcloud(["deploy", "--base", "same=127.0.0.1:1/none:1"])
    expect(failed.code, failed.stderr).toBe(3)
    expect(failed.stderr).not.toContain("pushing")
    const place = await run(["deploy", "--build", "cluster"], { cwd: join(folder, "shop") })
    expect(place.code).toBe(2)
    expect(place.stderr).toContain("use --build local")
  })
})
