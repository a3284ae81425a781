import { randomUUID } from "node:crypto"
import {
  chmodSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, expect, it } from "@effect/vitest"
import { DeploymentFailed } from "@maxcloud/sdk"
import { recordFault } from "./chaos/recordFault.ts"
import { freePort } from "./freePort.ts"
import { makeSource } from "./makeSource.ts"
import { groupsWith, ServerProcess } from "./serverProcess.ts"

const host = "app--local.localhost"
const program = `require("./text.js").serve(process.env)`
const text = `exports.serve = ({ PORT, FAULT }) => {
  if (FAULT !== undefined) throw new Error("no such luck")
  require("node:http").createServer((_, response) => response.end("hello")).listen(PORT)
}
`

/** Everything below a folder. */
const filesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

// One server for all tests, in this order.
describe.skipIf(process.platform !== "linux")("a server whose sources are damaged on disk", () => {
  const canary = `canary-${randomUUID()}`
  const source = makeSource(program)
  let server: ServerProcess
  const app = (env: Readonly<Record<string, string>> = {}) => ({
    app: "app",
    services: [{ name: "app", source: source.folder, env: { CANARY: canary, ...env } }]
  })
  const sources = () => {
    const root = join(server.dataDirectory, "sources")
    return join(root, readdirSync(root)[0] ?? "")
  }
  const builtFile = (name: string) => {
    const found = filesIn(join(sources(), "built")).find((text) => text.endsWith(`/${name}`))
    assert(found !== undefined)
    chmodSync(found, 0o644)
    return found
  }
  const crash = async () => {
    for (const group of groupsWith(canary)) process.kill(-group, "SIGKILL")
    while (groupsWith(canary).length > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const asks = async () => expect(await server.ask(host)).toStrictEqual({ status: 200, body: "hello" })

  /** After a crash, a dead connection may still be in use, and its request is lost with it. */
  const asksSoon = async () => {
    for (let times = 0; times < 50 && (await server.ask(host)).status !== 200; times++)
      await new Promise((resolve) => setTimeout(resolve, 100))
    await asks()
  }

  beforeAll(async () => {
    writeFileSync(join(source.folder, "text.js"), text)
    server = new ServerProcess(await freePort())
    await server.start()
    await server.client.deploy(app())
  })
  afterAll(async () => {
    await server.end("SIGTERM")
    server.remove()
    source.remove()
  })

  it("builds a missing source again for the next instance", async () => {
    await asks()
    rmSync(join(sources(), "built"), { recursive: true })
    await crash()
    await asksSoon()
    recordFault(import.meta.filename, {
      fault: "A source's build is removed while its service runs",
      seen: "nothing",
      recovery: "automatic: it's rebuilt for the next instance",
      seconds: null
    })
  })

  it("responds after a second deployment of the same source, even if all its files were emptied", async () => {
    for (const file of filesIn(sources())) {
      chmodSync(file, 0o644)
      truncateSync(file, 0)
    }
    await crash()
    const { services } = await server.client.deploy(app())
    expect(services[0]?.state).toBe("ready")
    await asks()
    const kinds = readdirSync(join(sources(), "damaged")).map((text) =>
      text.includes("-archives-") ? "archive" : "built"
    )
    expect(new Set(kinds)).toStrictEqual(new Set(["archive", "built"]))
    expect(await server.client.services.revisions("app")).toHaveLength(1)
    recordFault(import.meta.filename, {
      fault: "Every file of a source is emptied on disk, its archive too",
      seen: "the next instance can't start",
      recovery: "by `maxcloud deploy`, which uploads the source again; the damaged files are set aside",
      seconds: null
    })
  })

  it("replaces instances that run a damaged file, with a deployment of the same source", async () => {
    const file = builtFile("text.js")
    const { atime, mtime } = statSync(file)
    const [before] = groupsWith(canary)
    writeFileSync(file, readFileSync(file, "utf8").replace("hello", "hullo"))
    utimesSync(file, atime, mtime)
    await server.client.deploy(app())
    await asks()
    expect(groupsWith(canary)[0]).not.toBe(before)
    recordFault(import.meta.filename, {
      fault: "The disk changes a byte of a file that a service was started from",
      seen: "none, or whatever the changed byte causes",
      recovery: "by `maxcloud deploy` of the same source, which compares it",
      seconds: null
    })
  })

  it("recovers by itself if a damaged byte keeps a program from starting", async () => {
    const file = builtFile("text.js")
    const { atime, mtime } = statSync(file)
    writeFileSync(file, readFileSync(file, "utf8").replace("exports", "exp0rts"))
    utimesSync(file, atime, mtime)
    await crash()
    await asksSoon()
    recordFault(import.meta.filename, {
      fault: "The disk changes a byte that keeps a program from its start",
      seen: "requests wait",
      recovery: "automatic: the source is rebuilt",
      seconds: null
    })
  })

  it("builds a revision that never became ready again when it is deployed again", async () => {
    const build = async () => {
      const error = await server.client.deploy(app({ FAULT: "yes" })).then(
        () => expect.unreachable("it succeeded"),
        (cause: unknown) => cause
      )
      assert(error instanceof DeploymentFailed)
      return statSync(builtFile("built.json")).mtimeMs
    }
    const first = await build()
    expect(await build()).not.toBe(first)
    expect(await server.client.services.revisions("app")).toHaveLength(2)
    await asks()
  })
})
