import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type Embedded, embedded } from "@maxcloud/server"
import { withMadeDatabase } from "../../server/test/database/madeDatabase.ts"
import { makeFolder, run, webPackage, webServer } from "./cli.ts"
import { newerServer } from "./newerServer.ts"

const config = `import { defineConfig, service } from "@maxcloud/sdk/config"
export default defineConfig({ app: "shop", services: [service("web", { source: "./web" })] })
`

/** Prints what a program with the SDK sees, as JSON. */
const sdkProgram = `import { createClient, UnknownProblem } from "@maxcloud/sdk"
const client = createClient()
const types = new Set()
const spec = { app: "library", services: [{ name: "books", source: { path: process.argv[2] } }] }
const { id } = await client.deploy(spec, {
  onProgress: (each) => void (each._tag === "event" && types.add(each.event.type))
})
const { status } = await client.waitFor(id)
const problem = await client.services.list({ app: "unknown-problem" }).catch((error) => error)
const outdated = await client.services.list({ app: "outdated-client" }).catch((error) => error)
console.log(JSON.stringify({
  state: status.state,
  types: [...types],
  services: (await client.services.list()).map((each) => [each.name, each.status.state]),
  imported: (await client.secrets.import("library", { PEN: "blue" })).map(({ name }) => name),
  features: (await client.info()).features,
  problem: [problem instanceof UnknownProblem, problem.type, problem.status, problem.message],
  outdated: [outdated._tag, outdated.minimumClient]
}))
`

/** A version of the packages. */
interface Packages {
  /** The command's program. */
  readonly program: string
  /** A folder in which `@maxcloud/sdk` is installed. */
  readonly folder: string
}

/** Tests commands and programs of one version against a newer server. */
export const newerServerSuite = (name: string, packagesOf: () => Promise<Packages>) => {
  describe(`a newer server and the packages of ${name}`, () => {
    let cloud: Embedded
    let newer: Awaited<ReturnType<typeof newerServer>>
    let packages: Packages
    let dataDir = ""
    let cwd = ""
    beforeAll(async () => {
      packages = await packagesOf()
      dataDir = withMadeDatabase(mkdtempSync(join(tmpdir(), "maxcloud-cli-newer-")))
      cloud = await embedded({ dataDir })
      newer = await newerServer(cloud.url)
      cwd = makeFolder({
        "maxcloud.config.ts": config,
        "web/package.json": webPackage,
        "web/server.js": webServer("web")
      })
    }, 1_200_000)
    afterAll(async () => {
      newer?.close()
      await cloud?.close()
      rmSync(dataDir, { recursive: true, force: true })
    }, 60_000)

    const started = async (node: string, args: ReadonlyArray<string>) => {
      const env = { MAXCLOUD_API_URL: newer.url, MAXCLOUD_API_KEY: cloud.token ?? "" }
      const { code, stderr, stdout } = await run(args, { cwd, env, node: [node] })
      return { code, output: stdout + stderr, stdout }
    }
    const maxcloud = (...args: ReadonlyArray<string>) => started(packages.program, args)

    it("deploy, and follow the deployment until it finishes", async () => {
      const { code, output } = await maxcloud("deploy")
      expect(code, output).toBe(0)
      const json = await maxcloud("deploy", "--json")
      expect(json.code, json.output).toBe(0)
    }, 60_000)

    it("list and describe a service in an unknown state", async () => {
      for (const args of [["list"], ["list", "--json"], ["describe", "web"], ["describe", "web", "--json"]]) {
        const { code, output } = await maxcloud(...args)
        expect(code, output).toBe(0)
        expect(output).toMatch(/hibernating/)
      }
    }, 60_000)

    it("read a list's additional page", async () => {
      const { code, output } = await maxcloud("list")
      expect(code, output).toBe(0)
      expect(output).toMatch(/later/)
    })

    it("read logs, events, deployments and the plan", async () => {
      const logs = await maxcloud("logs", "web")
      expect(logs.code, logs.output).toBe(0)
      expect(logs.output).toMatch(/starting web/)
      for (const args of [["events"], ["events", "--json"], ["deployments", "list"], ["plan"], ["auth", "status"]]) {
        const { code, output } = await maxcloud(...args)
        expect(code, output).toBe(0)
      }
    }, 60_000)

    it("show the text of an unknown problem, and exit with the code for its status", async () => {
      const { code, output } = await maxcloud("list", "--app", "unknown-problem")
      expect(output).toMatch(/Wait for the full moon\./)
      expect(output).toMatch(/npm i -D @maxcloud\/cli@latest/)
      expect(code).toBe(6)
    })

    it("say that they need an update if the server no longer supports them", async () => {
      const { code, output } = await maxcloud("list", "--app", "outdated-client")
      expect(output).toMatch(
        /this (?:is maxcloud 0\.0\.1, but the server needs [\d.]+ or newer|maxcloud has version 0\.0\.1, and the server serves [\d.]+ and newer)\n/
      )
      expect(output).toMatch(/npm i -D @maxcloud\/cli@latest/)
      expect(code).toBe(14)
    })

    it("read everything they know with the SDK, and recognize the rest as unknown", async () => {
      const file = join(packages.folder, "newerServer.mjs")
      writeFileSync(file, sdkProgram)
      const { code, output, stdout } = await started(file, [join(cwd, "web")])
      expect(code, output).toBe(0)
      expect(JSON.parse(stdout)).toEqual({
        state: "succeeded",
        types: expect.arrayContaining(["measured", "finished"]),
        services: expect.arrayContaining([
          ["books", "hibernating"],
          ["later", "hibernating"]
        ]),
        // A list that has no pages in this version.
        imported: ["PEN"],
        features: expect.arrayContaining(["plans", "teleportation"]),
        problem: [true, "https://example.com/problems/moon-phase", 409, "Wait for the full moon."],
        outdated: ["ClientOutdated", expect.stringMatching(/^\d+\.\d+\.\d+$/)]
      })
    }, 60_000)
  })
}
