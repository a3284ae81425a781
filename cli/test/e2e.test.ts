import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type Embedded, embedded } from "@maxcloud/server"
import { withMadeDatabase } from "../../server/test/database/madeDatabase.ts"
import { makeFolder, run, start, webPackage, webServer } from "./cli.ts"

const config = (greeting: string) => `import { defineConfig, secret, service } from "@maxcloud/sdk/config"

export default defineConfig(({ stage }) => {
  const api = service("api", { source: "./api", env: { TOKEN: secret("TOKEN"), STAGE: stage }, visibility: "internal" })
  const web = service("web", { source: "./web", env: { GREETING: "${greeting}", API_URL: api.url } })
  return { app: "shop", services: [api, web] }
})
`

let cloud: Embedded
let dataDir: string
let cwd: string
beforeAll(async () => {
  dataDir = withMadeDatabase(mkdtempSync(join(tmpdir(), "maxcloud-cli-e2e-")))
  cloud = await embedded({ dataDir })
  cwd = makeFolder({
    "maxcloud.config.ts": config("hello"),
    "api/package.json": webPackage,
    "api/server.js": webServer("api"),
    "web/package.json": webPackage,
    "web/server.js": webServer("web")
  })
}, 120_000)
afterAll(async () => {
  await cloud[Symbol.asyncDispose]()
  rmSync(dataDir, { recursive: true, force: true })
}, 60_000)

const maxcloud = (...args: ReadonlyArray<string>) => run(args, { cwd, env: { MAXCLOUD_API_URL: cloud.url } })

/** GET of a `*.localhost` URL, whose host Node can't resolve: it is the server's own address. */
const get = (url: string) =>
  new Promise<string>((resolve, reject) => {
    const { host, pathname, port } = new URL(url)
    request({ host: "127.0.0.1", port, path: pathname, headers: { host } }, async (response) => {
      let text = ""
      for await (const chunk of response.setEncoding("utf8")) text += chunk
      resolve(text)
    })
      .on("error", reject)
      .end()
  })

describe("an app from its config to a URL and back", () => {
  it("reports a missing secret in the plan", async () => {
    const { code, stdout, stderr } = await maxcloud("plan")
    expect(stdout).toContain("+ create api")
    expect(stderr).toMatch(/problem: .*TOKEN/)
    expect(code).toBe(2)
  })

  it("takes a secret from stdin, and never shows its value", async () => {
    const set = await run(["secrets", "set", "TOKEN"], {
      cwd,
      env: { MAXCLOUD_API_URL: cloud.url },
      stdin: "s3cr3t-value\n"
    })
    expect([set.code, set.stderr]).toEqual([0, expect.stringContaining("version 1")])
    const list = await maxcloud("secrets", "list", "--json")
    expect(JSON.parse(list.stdout)).toMatchObject({ secrets: [{ name: "TOKEN", version: 1 }] })
    const plan = await maxcloud("plan", "--exit-code")
    expect(plan.code).toBe(10)
    for (const { stdout, stderr } of [set, list, plan]) expect(stdout + stderr).not.toContain("s3cr3t")
  })

  it("deploys, printing progress and then the URL", async () => {
    const { code, stderr, stdout } = await maxcloud("deploy")
    expect(stderr).toMatch(/web: ready/)
    expect(code).toBe(0)
    const url = /^web +(http:\S+)$/m.exec(stdout)?.[1] ?? ""
    expect(await get(url)).toBe("web hello")
    expect((await maxcloud("plan", "--exit-code")).code).toBe(0)
  }, 60_000)

  it("lists, describes and reads the logs", async () => {
    const [list, describe, logs] = await Promise.all([
      maxcloud("list", "--json"),
      maxcloud("describe", "web"),
      maxcloud("logs", "web", "--json")
    ])
    expect(
      JSON.parse(list.stdout)
        .services.map((service: { name: string }) => service.name)
        .sort()
    ).toEqual(["api", "web"])
    expect(describe.stdout).toContain("web-00001")
    expect(describe.stdout).toMatch(/^ +port +PORT, a different one for each instance \(8080 on Kubernetes\)$/m)
    expect(describe.stdout).toMatch(/^ +timeout +5m per request$/m)
    expect(describe.stdout).toMatch(/^ +GREETING +text$/m)
    expect(describe.stdout).toMatch(/^ +API_URL +url of api$/m)
    expect(describe.stdout + list.stdout).not.toContain("hello")
    const lines = logs.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).line)
    expect(lines).toContain("starting web")
  })

  it("prints the lines of the whole app in order of time, with the names of the services", async () => {
    const all = await maxcloud("logs", "--no-follow")
    expect(all.code).toBe(0)
    expect(all.stdout).toMatch(/^web +\d\d:\d\d:\d\d starting web$/m)
    expect(all.stdout).toMatch(/^api +\d\d:\d\d:\d\d starting api$/m)
    const json = await maxcloud("logs", "--no-follow", "--grep", "starting", "--json")
    const lines: ReadonlyArray<{ at: string; line: string }> = json.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
    expect(lines.map((line) => line.line).sort()).toEqual(["starting api", "starting web"])
    expect(lines.map((line) => line.at)).toEqual(lines.map((line) => line.at).toSorted())
    expect((await maxcloud("logs", "web", "--grep", "st.*ing")).stdout).toBe("")
    expect((await maxcloud("logs", "--no-follow", "--level", "fatal")).stdout).toBe("")
    expect((await maxcloud("logs", "--level", "loud")).code).toBe(2)
    expect((await maxcloud("logs", "--app", "blog", "--no-follow")).code).toBe(5)
  })

  it("follows the whole app without a name, and filters new lines", async () => {
    const environment = { cwd, env: { MAXCLOUD_API_URL: cloud.url } }
    const following = start(["logs", "--grep", "/followed-by-all"], environment)
    const url = (await maxcloud("open", "web")).stdout.trim()
    for (const path of ["ignored", "followed-by-all/first"]) await get(`${url}/${path}`)
    await following.until(/^web +\S+ GET \/followed-by-all\/first$/m)
    for (const path of ["ignored", "followed-by-all/second"]) await get(`${url}/${path}`)
    await following.until(/^web +\S+ GET \/followed-by-all\/second$/m)
    following.child.kill("SIGINT")
    expect((await following.ended).code).toBe(0)
    expect(following.output().stdout).not.toContain("ignored")
  })

  it("follows logs until Ctrl-C, which isn't a failure", async () => {
    const following = start(["logs", "web", "--follow"], { cwd, env: { MAXCLOUD_API_URL: cloud.url } })
    await following.until(/starting web/)
    const { stdout } = await maxcloud("open", "web")
    await get(`${stdout.trim()}/followed`)
    await following.until(/GET \/followed/)
    following.child.kill("SIGINT")
    expect((await following.ended).code).toBe(0)
  })

  it("shows the resources that this machine's instances have reserved", async () => {
    const usage = await maxcloud("usage", "--json")
    const services: ReadonlyArray<Record<string, unknown>> = JSON.parse(usage.stdout).services
    const web = services.find((service) => service["service"] === "web")
    expect(web).toMatchObject({ app: "shop", stage: "production", instances: expect.any(Number) })
    expect(web?.["cpuSeconds"]).toBeGreaterThan(0)
    expect(web?.["memoryGibSeconds"]).toBe(Number(web?.["instanceSeconds"]) / 2)
  })

  it("updates changed services, and says why one doesn't become ready", async () => {
    writeFileSync(join(cwd, "maxcloud.config.ts"), config("hi"))
    const plan = await maxcloud("plan")
    expect(plan.stdout).toMatch(/~ update web[\s\S]*GREETING.*hello.*hi/)
    expect(plan.stdout).toContain("unchanged: api")
    expect((await maxcloud("deploy", "--json")).code).toBe(0)
    expect(await get((await maxcloud("open", "web")).stdout.trim())).toBe("web hi")

    writeFileSync(join(cwd, "web/server.js"), 'console.error("cannot start: no disk")\nprocess.exit(3)\n')
    const failed = await maxcloud("deploy")
    expect(failed.stderr).toContain("cannot start: no disk")
    expect(failed.code).toBe(7)
    const errors = (await maxcloud("logs", "web", "--level", "error")).stdout
    expect(errors).toContain("cannot start: no disk")
    expect(errors).toMatch(/^\S+ · .*exit code 3/m)
    expect(errors).not.toContain("GET /")
    const planned = await maxcloud("plan", "--exit-code")
    expect(planned.stderr).toMatch(/warning: deployment \d+ failed, so something older than this config may be running/)
    expect(planned.code).toBe(10)
    expect(await get((await maxcloud("open", "web")).stdout.trim())).toBe("web hi")
  }, 120_000)

  it("shows what happened to one service, and refuses a name that it doesn't know", async () => {
    const eventsOf = async (type: string) => {
      const { stdout } = await maxcloud("events", "web", "--type", type, "--json")
      const { events }: { readonly events: ReadonlyArray<{ readonly data: Readonly<Record<string, unknown>> }> } =
        JSON.parse(stdout)
      return events.map(({ data }) => data)
    }
    // Events are collected for some seconds.
    const soon = async (type: string) => {
      for (;;) {
        const [first] = await eventsOf(type)
        if (first !== undefined) return first
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
    expect(await soon("service.scaled")).toMatchObject({ name: "web", from: 0 })
    expect(await soon("instance.restarted")).toMatchObject({ name: "web", reason: "Failed", exitCode: 3 })
    const text = (await maxcloud("events", "web")).stdout
    expect(text).toMatch(/instance\.restarted +.*reason=Failed.* exitCode=3/)
    expect(text).not.toContain("name=api")
    expect(text).not.toContain("no disk")
    for (const wrong of [
      ["events", "wbe"],
      ["events", "wbe", "--follow"]
    ]) {
      const { code, stderr } = await maxcloud(...wrong)
      expect(stderr).toContain("wbe")
      expect(code).toBe(5)
    }
    expect((await maxcloud("events", "Not a name")).code).toBe(2)
  }, 60_000)

  it("deletes a service and destroys the app, with --yes if there is no terminal", async () => {
    expect((await maxcloud("delete", "web")).code).toBe(2)
    expect((await maxcloud("delete", "web", "--yes")).code).toBe(0)
    expect((await maxcloud("describe", "web")).code).toBe(5)
    expect((await maxcloud("destroy", "--yes")).code).toBe(0)
    expect(JSON.parse((await maxcloud("list", "--json")).stdout)).toEqual({ services: [] })
  }, 60_000)
})
