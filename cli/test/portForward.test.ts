import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { request } from "node:http"
import { type AddressInfo, createServer as createTcpServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { type Embedded, embedded } from "@maxcloud/server"
import { withMadeDatabase } from "../../server/test/database/madeDatabase.ts"
import { makeFolder, run, start, webPackage, webServer } from "./cli.ts"

let cloud: Embedded
let dataDir: string
let cwd: string
beforeAll(async () => {
  dataDir = withMadeDatabase(mkdtempSync(join(tmpdir(), "maxcloud-port-forward-")))
  cloud = await embedded({ dataDir })
  cwd = makeFolder({
    "maxcloud.config.yaml": "app: shop\nservices:\n  - name: web\n    source: ./web\n    env: { GREETING: hello }\n",
    "web/package.json": webPackage,
    "web/server.js": webServer("web")
  })
  const deployed = await run(["deploy"], { cwd, env: { MAXCLOUD_API_URL: cloud.url } })
  if (deployed.code !== 0) throw new Error(deployed.stderr)
}, 120_000)
afterAll(async () => {
  await cloud[Symbol.asyncDispose]()
  rmSync(dataDir, { recursive: true, force: true })
}, 60_000)

const options = () => ({ cwd, env: { MAXCLOUD_API_URL: cloud.url } })

const get = (port: number) =>
  new Promise<string>((resolve, reject) => {
    request({ host: "127.0.0.1", port, agent: false }, async (response) => {
      let text = ""
      for await (const chunk of response.setEncoding("utf8")) text += chunk
      resolve(text)
    })
      .on("error", reject)
      .end()
  })

it("serves many local connections from an instance on 127.0.0.1 until it is stopped", async () => {
  const forward = start(["port-forward", "web", "0:8080"], options())
  const port = Number(/^127\.0\.0\.1:(\d+)$/m.exec(await forward.until(/^127\.0\.0\.1:\d+$/m))?.[1])
  const answers = await Promise.all(Array.from({ length: 30 }, () => get(port)))
  expect(new Set(answers)).toStrictEqual(new Set(["web hello"]))
  forward.child.kill("SIGINT")
  expect((await forward.ended).code).toBe(0)
  await expect(get(port)).rejects.toThrow("ECONNREFUSED")
}, 60_000)

it("explains a local port that is taken, other ports of the machine, and instances that aren't there", async () => {
  const other = createTcpServer().listen(0, "127.0.0.1")
  await once(other, "listening")
  const { port } = other.address() as AddressInfo
  const taken = await run(["port-forward", "web", `${port}:8080`], options())
  expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining("maxcloud port-forward web 0:8080")])
  // A port of another program on this machine isn't the service's.
  const foreign = await run(["port-forward", "web", `0:${port}`], options())
  expect([foreign.code, foreign.stderr]).toEqual([6, expect.stringContaining("can't be reached")])
  const gone = await run(["port-forward", "web", "0:8080", "--instance", "web-9"], options())
  expect([gone.code, gone.stderr]).toEqual([5, expect.stringContaining("no running instance")])
  for (const ports of ["0", "65536", "a", "1:2:3", "8080:"]) {
    expect((await run(["port-forward", "web", ports], options())).code, ports).toBe(2)
  }
  other.close()
}, 60_000)
