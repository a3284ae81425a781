import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { connect as connectHttp2 } from "node:http2"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Service } from "@maxcloud/sdk/api"
import { Schema } from "effect"
import { dataDirectoryId } from "../../server/src/base/host/dataDirectoryId.ts"
import { dataDirectoryLabel } from "../../server/src/runtimes/local/instances/containers/labels.ts"
import { freePort } from "../../server/test/freePort.ts"
import { missingTools } from "../../server/test/registry/missingTools.ts"
import { buildNginxImage, buildNodeImage } from "../../server/test/registry/scratchImage.ts"
import { startTestRegistry, type TestRegistry } from "../../server/test/registry/testRegistry.ts"
import { ServerProcess } from "../../server/test/serverProcess.ts"
import { makeFolder, run, start, webPackage } from "./cli.ts"

const podman = async (...args: ReadonlyArray<string>) => (await promisify(execFile)("podman", [...args])).stdout.trim()

const nginxImage = `localhost/maxcloud-e2e-nginx:${process.pid}`
const nodeImage = `localhost/maxcloud-e2e-node:${process.pid}`

/** Greets. `/call` calls the other service, `/password` and `/token` return its secrets. */
const program = `
const http = require("node:http"), { readFileSync } = require("node:fs")
console.log("listening on " + process.env.PORT)
http.createServer((request, response) => {
  const end = (text) => response.end(String(text))
  if (request.url === "/call") return http.get(process.env.OTHER_URL + "/greeting", (answer) => answer.on("data", (text) => response.write(text)).on("end", () => response.end())).on("error", end)
  if (request.url === "/token") return end(readFileSync("/run/secrets/token", "utf8"))
  if (request.url === "/password") return end(process.env.PASSWORD)
  end(process.env.NAME)
}).listen(process.env.PORT)
process.on("SIGTERM", () => process.exit(0))`

const h2cProgram = `require("node:http2").createServer((_, response) => response.end("by h2c")).listen(process.env.PORT)
process.on("SIGTERM", () => process.exit(0))`

let registry: TestRegistry
let server: ServerProcess
let folder: string
const environment = () => ({ MAXCLOUD_API_URL: server.url })
const maxcloud = (...args: ReadonlyArray<string>) => run(args, { cwd: folder, env: environment() })
const deployApp = (name: string) => maxcloud("deploy", "-f", `${name}.json`)
const containers = async () =>
  (
    await podman(
      "ps",
      "--all",
      "--quiet",
      "--filter",
      `label=${dataDirectoryLabel}=${await dataDirectoryId(server.dataDirectory)}`
    )
  )
    .split("\n")
    .filter((line) => line !== "")
const serviceNamed = async (name: string) => (await server.client.services.list()).find((each) => each.name === name)

const decodeService = Schema.decodeUnknownSync(Service)

const until = async <A>(look: () => Promise<A>, holds: (found: A) => boolean): Promise<A> => {
  for (const deadline = Date.now() + 20_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const found = await look()
    if (holds(found)) return found
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(found)}`)
  }
}

const imageService = (name: string, more: object = {}) => ({
  name,
  image: nodeImage,
  args: [program],
  env: { NAME: name },
  ...more
})

const apps = {
  linked: {
    app: "linked",
    services: [
      imageService("boxed", {
        env: {
          NAME: "boxed",
          PASSWORD: { secret: "PASSWORD" },
          OTHER_URL: { service: "plain", property: "url" }
        },
        files: { "/run/secrets/token": { secret: "TOKEN" } },
        scale: { idle: "6s" }
      }),
      {
        name: "plain",
        source: "./plain",
        env: { NAME: "plain", OTHER_URL: { service: "boxed", property: "url" } }
      }
    ]
  },
  many: {
    app: "many",
    services: [
      ...["one", "two", "three", "four"].map((name) => imageService(name)),
      imageService("five", { args: [h2cProgram], protocol: "h2c" })
    ]
  },
  exits: {
    app: "exits",
    services: [imageService("exits", { args: [`console.error("no disk: " + process.env.NAME); process.exit(3)`] })]
  }
}

const missing = missingTools("apps of images", "podman", "docker-registry", "nginx")

describe.skipIf(missing.length > 0)("images", () => {
  beforeAll(async () => {
    registry = await startTestRegistry()
    await Promise.all([buildNginxImage(nginxImage), buildNodeImage(nodeImage)])
    await registry.push(nginxImage, "library/nginx:latest")
    await podman("image", "rm", "--force", nginxImage)
    server = new ServerProcess(await freePort(), registry.environment)
    folder = makeFolder({
      "plain/package.json": webPackage.replace('"module"', '"commonjs"'),
      "plain/server.js": program,
      ...Object.fromEntries(Object.entries(apps).map(([name, app]) => [`${name}.json`, JSON.stringify(app)]))
    })
    await server.start()
  }, 120_000)
  afterAll(async () => {
    await server.end("SIGTERM")
    const left = await containers()
    server.remove()
    rmSync(folder, { recursive: true, force: true })
    await registry[Symbol.asyncDispose]()
    await podman("image", "rm", "--force", "--ignore", "docker.io/library/nginx:latest", nodeImage)
    expect(left).toEqual([])
  }, 60_000)

  it("can be deployed, listed, followed and deleted with a user's commands", async () => {
    const deployed = await maxcloud("deploy", "--name", "myapp", "nginx:latest")
    expect([deployed.code, deployed.stderr]).toEqual([0, expect.stringContaining("myapp: ready")])
    expect(deployed.stdout).toContain(`http://myapp--local.localhost:${server.port}`)
    expect((await server.ask("myapp--local.localhost")).body).toContain("Welcome to nginx!")

    const following = start(["logs", "myapp", "--follow"], { cwd: folder, env: environment() })
    await following.until(/Pulling image docker.io\/library\/nginx:latest/)

    const again = await maxcloud("deploy", "--name", "myapp", "nginx:latest", "--env", "GREETING=hello")
    expect(again.code).toBe(0)
    const [container = ""] = await until(containers, (one) => one.length === 1)
    const mounts = '{{range .Mounts}}{{if eq .Destination "/.maxcloud/start"}}{{.Source}}{{end}}{{end}}'
    const startFile = await podman("container", "inspect", "--format", mounts, container)
    expect(readFileSync(startFile, "utf8").split("\0")).toContain("GREETING=hello")
    expect(await podman("container", "inspect", container)).not.toContain("GREETING")

    expect((await maxcloud("list")).stdout).toMatch(/myapp .*ready/)
    await server.ask("myapp--local.localhost", "/followed")
    await following.until(/GET \/followed/)
    following.child.kill("SIGINT")
    expect((await following.ended).code).toBe(0)

    expect((await maxcloud("delete", "myapp")).code).toBe(0)
    expect(await containers()).toEqual([])
    expect((await server.ask("myapp--local.localhost")).status).toBe(404)
  }, 60_000)

  it("can be created, read and deleted with plain HTTP requests", async () => {
    const services = `${server.url}/api/v1/services`
    const created = await fetch(services, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "myapp", image: "nginx:latest", env_vars: {} })
    })
    expect(created.status).toBe(201)
    const { id } = decodeService(await created.json())
    await until(
      async () => decodeService(await (await fetch(`${services}/${id}`)).json()),
      ({ status }) => status.state === "ready"
    )
    expect((await server.ask("myapp--local.localhost", "/asked")).body).toContain("404 Not Found")
    expect((await server.ask("myapp--local.localhost")).body).toContain("Welcome to nginx!")

    const logs = await fetch(`${services}/${id}/logs?follow=true`)
    expect(logs.headers.get("content-type")).toContain("text/event-stream")
    let text = ""
    for await (const chunk of logs.body ?? []) {
      text += Buffer.from(chunk).toString("utf8")
      if (text.includes("GET /asked")) break
    }
    expect(text).toMatch(/^id: .+\nevent: log\ndata: \{.*GET \/asked/m)

    expect((await fetch(`${services}/${id}`, { method: "DELETE" })).status).toBe(204)
    expect((await fetch(`${services}/${id}`)).status).toBe(404)
    await until(containers, (found) => found.length === 0)
  }, 60_000)

  it("call sources and vice versa, with secrets that show up nowhere, and scale to zero and back", async () => {
    const secrets = { PASSWORD: "not-for-anybody-1", TOKEN: "not-for-anybody-2" }
    for (const [name, stdin] of Object.entries(secrets)) {
      const set = await run(["secrets", "set", name, "--app", "linked"], { cwd: folder, env: environment(), stdin })
      expect([set.code, set.stderr]).toEqual([0, expect.stringContaining("version 1")])
    }
    const deployed = await deployApp("linked")
    expect([deployed.code, deployed.stderr]).toEqual([0, expect.stringContaining("boxed: ready")])

    const ask = async (service: string, path: string) =>
      (await server.ask(`${service}--linked--local.localhost`, path)).body
    expect(await ask("boxed", "/call")).toBe("plain")
    expect(await ask("plain", "/call")).toBe("boxed")
    expect(await ask("boxed", "/password")).toBe(secrets.PASSWORD)
    expect(await ask("boxed", "/token")).toBe(secrets.TOKEN)

    const [container = ""] = await containers()
    const inspected = await podman("container", "inspect", container)
    expect(inspected).not.toContain(secrets.TOKEN)
    expect(inspected).not.toContain(secrets.PASSWORD)
    const commands = readdirSync("/proc").flatMap((pid) => {
      try {
        return /^\d+$/.test(pid) ? [readFileSync(`/proc/${pid}/cmdline`, "utf8")] : []
      } catch {
        return []
      }
    })
    expect(commands.some((command) => command.includes("podman"))).toBe(true)
    expect(commands.filter((command) => command.includes("not-for-anybody"))).toEqual([])
    expect(server.output + deployed.stdout + deployed.stderr).not.toContain("not-for-anybody")

    await until(
      () => serviceNamed("boxed"),
      (one) => one?.status.state === "idle"
    )
    await until(containers, (one) => one.length === 0)
    // Through the source's link this time: an internal caller wakes it too.
    expect(await ask("plain", "/call")).toBe("boxed")
    expect(await containers()).toHaveLength(1)
  }, 60_000)

  it("leave no secrets on disk after they are destroyed and the server restarts", async () => {
    expect((await maxcloud("destroy", "linked", "--yes")).code).toBe(0)
    await until(containers, (one) => one.length === 0)
    await server.end("SIGTERM")
    await server.start()
    const store = await podman("info", "--format", "{{.Store.GraphRoot}} {{.Store.RunRoot}}")
    const folders = [...store.split(" "), server.dataDirectory, server.temporaryFolder, "/dev/shm"]
    const search =
      'find "$@" -xdev -type f -newermt "-10 minutes" -exec grep -laF -e not-for-anybody {} + 2>/dev/null; true'
    const { stdout } = await promisify(execFile)("sh", ["-c", search, "sh", ...folders])
    expect(stdout).toBe("")
  }, 60_000)

  it("fail the deployment with the reason if they don't exist or exit immediately, and the old revision keeps serving", async () => {
    expect((await maxcloud("deploy", "--name", "kept", "nginx:latest")).code).toBe(0)
    const before = performance.now()
    const absent = await maxcloud("deploy", "--name", "kept", "nginx:absent")
    expect([absent.code, absent.stdout + absent.stderr]).toEqual([
      7,
      expect.stringMatching(/ImageNotFound|no such image/)
    ])
    expect(performance.now() - before).toBeLessThan(10_000)
    expect((await server.ask("kept--local.localhost")).body).toContain("Welcome to nginx!")
    expect((await maxcloud("delete", "kept")).code).toBe(0)

    const exits = await deployApp("exits")
    expect(exits.code).toBe(7)
    expect(exits.stderr).toContain("exit code 3")
    expect(exits.stderr).toContain("no disk: exits")
    expect((await maxcloud("destroy", "exits", "--yes")).code).toBe(0)
  }, 60_000)

  it("start five at a time, and survive neither a stop nor a kill of the server", async () => {
    const deployed = await deployApp("many")
    expect([deployed.code, deployed.stderr]).toEqual([0, expect.stringContaining("five: ready")])
    const names = ["one", "two", "three", "four"]
    const askAll = () =>
      Promise.all(names.map(async (name) => (await server.ask(`${name}--many--local.localhost`)).body))
    const askH2c = () =>
      new Promise<string>((resolve, reject) => {
        const session = connectHttp2(server.url).on("error", reject)
        const stream = session.request({ ":authority": `five--many--local.localhost:${server.port}`, ":path": "/" })
        let text = ""
        stream
          .setEncoding("utf8")
          .on("data", (chunk) => {
            text += chunk
          })
          .on("end", () => {
            session.close()
            resolve(text)
          })
          .on("error", reject)
          .end()
      })
    expect(await askAll()).toEqual(names)
    expect(await askH2c()).toBe("by h2c")
    const first = await containers()

    await server.end("SIGTERM")
    expect(await containers()).toEqual([])
    await server.start()
    expect(await askAll()).toEqual(names)

    const second = await containers()
    await server.end("SIGKILL")
    expect((await containers()).length).toBeGreaterThanOrEqual(4)
    await server.start()
    expect(await askAll()).toEqual(names)
    expect(await askH2c()).toBe("by h2c")
    const third = await containers()
    for (const [earlier, later] of [
      [first, second],
      [second, third]
    ]) {
      expect(later?.filter((value) => earlier?.includes(value))).toEqual([])
    }
    expect((await maxcloud("destroy", "many", "--yes")).code).toBe(0)
    expect(await containers()).toEqual([])
  }, 90_000)
})

it("say what to install before doing anything if podman and docker are missing", async () => {
  const bin = mkdtempSync(join(tmpdir(), "maxcloud-bare-"))
  symlinkSync(process.execPath, join(bin, "node"))
  const bare = new ServerProcess(await freePort(), { PATH: bin })
  const env = { MAXCLOUD_API_URL: bare.url }
  const cwd = makeFolder({
    "app.json": JSON.stringify({ app: "web", services: [{ name: "web", image: "nginx:latest" }] })
  })
  try {
    await bare.start()
    for (const args of [
      ["plan", "-f", "app.json"],
      ["deploy", "-f", "app.json"],
      ["deploy", "--name", "web", "nginx:latest"]
    ]) {
      const { code, stderr, stdout } = await run(args, { cwd, env })
      expect([args, code, stdout + stderr]).toEqual([args, 2, expect.stringContaining("Install podman")])
    }
    expect(await bare.client.services.list()).toEqual([])
  } finally {
    await bare.end("SIGTERM")
    bare.remove()
    for (const path of [bin, cwd]) rmSync(path, { recursive: true, force: true })
  }
})
