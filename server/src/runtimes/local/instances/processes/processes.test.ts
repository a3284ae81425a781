import { type ChildProcess, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { createServer, get } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, beforeEach, describe, expect, it, vi } from "@effect/vitest"
import { type Diagnosis, OrganizationId } from "@maxcloud/sdk/api"
import { Deferred, Effect, Either, Layer, Redacted, Schema } from "effect"
import { accessAway } from "../../../../../test/images/testAccess.ts"
import { dataDirectoryId } from "../../../../base/host/dataDirectoryId.ts"
import { processTable } from "../../../../base/host/processTable.ts"
import { SourceError, SourceStore } from "../../../../stores/sources/SourceStore.ts"
import { makePool } from "../../activator/Pool.ts"
import { reservePort } from "../freePort.ts"
import { type Instance, type InstanceSpec, Instances } from "../Instance.ts"
import { layer } from "../instancesLayer.ts"
import { homesFolder } from "./homes.ts"

let folder: string
let data: string
let started: Array<Instance> = []
let children: Array<ChildProcess> = []
const organizationId = Schema.decodeSync(OrganizationId)("org_00000000000000000000000000000001")

const noSources = Layer.succeed(SourceStore, {
  find: () => Effect.dieMessage("unused"),
  put: () => Effect.dieMessage("unused"),
  built: () => Effect.fail(new SourceError({ reason: "invalid", message: "There is no such snapshot" })),
  isWhole: () => Effect.succeed(true)
})

const run = <A, E>(effect: Effect.Effect<A, E, Instances>, dataDirectory = data): Promise<A> =>
  Effect.runPromise(
    Effect.provide(effect, layer({ dataDirectory }).pipe(Layer.provide(Layer.merge(noSources, accessAway))))
  )

let count = 0
const specOf = (given: Partial<InstanceSpec> = {}): InstanceSpec => ({
  id: `ins_${process.pid}_${count++}`,
  organizationId,
  namespace: "local",
  service: "app",
  revision: "app-00001",
  program: { kind: "directory", directory: folder },
  command: undefined,
  args: undefined,
  port: 8080,
  env: new Map([["K_SERVICE", "app"]]),
  files: new Map(),
  cpuMilli: 1000,
  memoryBytes: 256 * 1024 * 1024,
  startup: undefined,
  readiness: undefined,
  liveness: undefined,
  graceMs: 5_000,
  startDeadlineMs: 10_000,
  onOutput: () => undefined,
  ...given
})

const start = async (spec: InstanceSpec) => {
  const instance = await run(Effect.flatMap(Instances, (instances) => instances.start(spec)))
  started.push(instance)
  return instance
}
const startFailure = (spec: InstanceSpec) =>
  run(
    Effect.flatMap(Instances, (instances) => Effect.either(instances.start(spec))).pipe(
      Effect.map((result) => (Either.isLeft(result) ? result.left : undefined))
    )
  )
const ready = (instance: Instance) => Effect.runPromise(Deferred.await(instance.ready))
const readyFailure = (instance: Instance) => Effect.runPromise(Effect.flip(Deferred.await(instance.ready)))
const exited = (instance: Instance) => Effect.runPromise(Deferred.await(instance.exited))
const stop = (instance: Instance) => Effect.runPromise(instance.stop)

const fetchText = (instance: Instance, path = "/"): Promise<string> =>
  new Promise((resolve, reject) => {
    get({ host: instance.host, port: instance.port, path, agent: false }, (response) => {
      let body = ""
      response.on("data", (chunk) => {
        body += chunk
      })
      response.on("end", () => resolve(body))
    }).on("error", reject)
  })

const program = (file: string, content: string) => writeFile(join(folder, file), content)
const isAlive = async (pid: number) => (await processTable()).some((entry) => entry.pid === pid && !entry.zombie)
const until = async (holds: () => Promise<boolean> | boolean) => {
  while (!(await holds())) await sleep(10)
}
const output = () => {
  let text = ""
  const onOutput = (_stream: string, chunk: Uint8Array) => {
    text += Buffer.from(chunk).toString("utf8")
  }
  return { onOutput, text: () => text }
}

const answering = `require("node:http").createServer((request, response) => response.end(JSON.stringify(process.env))).listen(process.env.PORT)`

beforeEach(async () => {
  const root = await mkdtemp(join(tmpdir(), "instances-"))
  // As root, services run as another user.
  await chmod(root, 0o755)
  folder = join(root, "app")
  data = join(root, "data")
  await mkdir(folder)
  await chmod(folder, 0o777)
})

afterEach(async () => {
  await Promise.all(started.map(stop))
  started = []
  for (const child of children) child.kill("SIGKILL")
  children = []
  await rm(homesFolder(data, await dataDirectoryId(data)), { recursive: true, force: true })
  await rm(join(folder, ".."), { recursive: true, force: true })
})

describe("the program of a folder", () => {
  it("is its start script, run only by the shell", async () => {
    await program("package.json", JSON.stringify({ scripts: { prestart: "echo before", start: "node app.js" } }))
    await program("app.js", answering)
    const seen = output()
    const instance = await start(specOf(seen))
    await ready(instance)
    expect(JSON.parse(await fetchText(instance)).PORT).toBe(String(instance.port))
    expect(seen.text()).toContain("before")
  })

  it("is index.ts without a package.json", async () => {
    await program(
      "index.ts",
      `import { createServer } from "node:http"\nconst port: number = Number(process.env["PORT"])\ncreateServer((_, response) => response.end(process.execPath)).listen(port)`
    )
    const instance = await start(specOf())
    await ready(instance)
    // If the server's own Node is closed to the services' user, it has a second name.
    expect([process.execPath, join(data, "node", process.version, "node")]).toContain(await fetchText(instance))
  })

  it("is the config's command with its args, including programs in node_modules/.bin", async () => {
    await mkdir(join(folder, "node_modules/.bin"), { recursive: true })
    await writeFile(
      join(folder, "node_modules/.bin/serve-args"),
      `#!/usr/bin/env node\nrequire("node:http").createServer((_, response) => response.end(process.argv.slice(2).join())).listen(process.env.PORT)`,
      { mode: 0o755 }
    )
    const instance = await start(specOf({ command: ["serve-args", "one"], args: ["two words"] }))
    await ready(instance)
    expect(await fetchText(instance)).toBe("one,two words")
  })

  it("has its variables in its arguments as on Kubernetes, except secrets", async () => {
    await program("app.js", answering.replace("process.env)", "process.argv)"))
    const env = new Map<string, string | Redacted.Redacted>([
      ["A", "a $(B)"],
      ["SECRET", Redacted.make("not-for-ps")]
    ])
    const args = ["app.js", "$(A)", "$$(A)", "$(SECRET)", "$(UNKNOWN)", "--port=$(PORT)"]
    const instance = await start(specOf({ command: ["node"], args, env }))
    await ready(instance)
    const expected = ["a $(B)", "$(A)", "$(SECRET)", "$(UNKNOWN)", `--port=${instance.port}`]
    expect(JSON.parse(await fetchText(instance)).slice(2)).toEqual(expected)
  })

  it("is missing in an empty folder, with advice on what to add", async () => {
    const failure = await startFailure(specOf())
    expect(failure).toMatchObject({ reason: "NothingToRun", retryable: false })
    expect(failure?.message).toContain("package.json")
    expect(await readdir(join(data, "instances"))).toEqual([])
  })

  it("is refused if the command doesn't exist", async () => {
    expect(await startFailure(specOf({ command: ["no-such-program"] }))).toMatchObject({ reason: "CommandNotFound" })
    expect(await readdir(join(data, "instances"))).toEqual([])
  })

  it("is refused if the snapshot doesn't exist", async () => {
    const digest = `sha256:${"0".repeat(64)}`
    expect(await startFailure(specOf({ program: { kind: "snapshot", digest } }))).toMatchObject({
      reason: "SourceInvalid",
      message: "There is no such snapshot"
    })
  })
})

describe("the environment of a process", () => {
  it("contains the declared variables and the contract's, nothing of the server's own", async () => {
    process.env["CANARY"] = "of the server"
    await program("index.js", answering)
    const env = new Map<string, string | Redacted.Redacted>([
      ["K_SERVICE", "app"],
      ["SECRET", Redacted.make("line\nline")]
    ])
    const instance = await start(specOf({ env }))
    await ready(instance)
    const seen = JSON.parse(await fetchText(instance))
    delete process.env["CANARY"]
    expect(Object.keys(seen).sort()).toEqual([
      "HOME",
      "K_SERVICE",
      "LANG",
      "MAXCLOUD_INSTANCE",
      "PATH",
      "PORT",
      "SECRET",
      "TMPDIR"
    ])
    expect(seen.SECRET).toBe("line\nline")
    expect(existsSync(seen.TMPDIR)).toBe(true)
    await stop(instance)
    expect(existsSync(seen.TMPDIR)).toBe(false)
  })
})

describe("readiness", () => {
  it("starts with the first success of the probe, also on IPv6's loopback", async () => {
    await program(
      "index.js",
      `const since = Date.now()
       require("node:http").createServer((request, response) => {
         response.statusCode = request.url === "/ready" && Date.now() - since > 200 ? 200 : 503
         response.end()
       }).listen(process.env.PORT, "::1")`
    )
    const readiness = { path: "/ready", initialDelayMs: 0, periodMs: 1_000, timeoutMs: 1_000, failureThreshold: 1 }
    const instance = await start(specOf({ readiness }))
    expect(instance.isReady()).toBe(false)
    await ready(instance)
    expect(instance.isReady()).toBe(true)
    expect(instance.host).toBe("::1")
  })

  it("is lost and regained with the probe", async () => {
    await program(
      "index.js",
      `let status = 200
       require("node:http").createServer((request, response) => {
         if (request.url.startsWith("/set/")) status = Number(request.url.slice(5))
         response.statusCode = request.url === "/ready" ? status : 200
         response.end()
       }).listen(process.env.PORT)`
    )
    const readiness = { path: "/ready", initialDelayMs: 0, periodMs: 20, timeoutMs: 1_000, failureThreshold: 2 }
    const instance = await start(specOf({ readiness }))
    await ready(instance)
    await fetchText(instance, "/set/500")
    await until(() => !instance.isReady())
    await fetchText(instance, "/set/200")
    await until(() => instance.isReady())
  })

  it("fails when its deadline passes, and names the other port on which it listens", async () => {
    await program(
      "index.js",
      `const server = require("node:http").createServer().listen(0, () => console.log(server.address().port))`
    )
    const seen = output()
    const instance = await start(specOf({ startDeadlineMs: 800, ...seen }))
    const failure = await readyFailure(instance)
    if (process.platform === "linux") {
      expect(failure.reason).toBe("WrongPort")
      expect(failure.message).toContain(seen.text().trim())
    }
    expect((await exited(instance)).wanted).toBe(false)
  })

  it.skipIf(process.platform !== "linux")(
    "says that the port in the config has no effect if it listens there",
    async () => {
      const { port, release } = await reservePort()
      await program("index.js", `require("node:http").createServer().listen(${port})`)
      const failure = await readyFailure(await start(specOf({ port, startDeadlineMs: 800 })))
      release()
      expect(failure.reason).toBe("WrongPort")
      expect(failure.fix).toContain(
        `variable PORT, such as \`process.env.PORT\`. \`port: ${port}\` in the config has no effect`
      )
    }
  )

  it.skipIf(process.platform !== "linux")("gets a message about another port long before the deadline", async () => {
    await program("index.js", `require("node:http").createServer().listen(0)`)
    const said = await new Promise<string>((resolve, reject) => {
      start(specOf({ startDeadlineMs: 600_000, onSystem: resolve })).catch(reject)
    })
    expect(said).toContain("Not ready yet: the program listens on port")
  })

  it.skipIf(process.platform !== "linux")("has a finding after 3 s, and none once it is ready", async () => {
    const findings: Array<Diagnosis | undefined> = []
    const found = (code: string | undefined) =>
      vi.waitFor(() => expect(findings.at(-1)?.code).toBe(code), { timeout: 15_000, interval: 20 })
    const onFinding = (value: Diagnosis | undefined) => void findings.push(value)
    // Hangs at first, and answers after the first request for it.
    await program(
      "index.js",
      `let answers = false
      require("node:http").createServer((request, response) => {
        if (request.url === "/answer") answers = true
        if (answers) response.end()
      }).listen(process.env.PORT, "127.0.0.1")`
    )
    const startup = { path: "/healthz", initialDelayMs: 0, periodMs: 100, timeoutMs: 500, failureThreshold: 400 }
    const began = Date.now()
    const instance = await start(specOf({ startup, startDeadlineMs: 600_000, onFinding }))
    await found("ProbeFailing")
    expect(Date.now() - began).toBeLessThan(6_000)
    expect(findings.at(-1)?.message).toContain("GET /healthz")
    await fetchText(instance, "/answer")
    await Effect.runPromise(Deferred.await(instance.ready))
    // Once it is ready, this reports what works only here.
    await found("LoopbackOnly")
  })

  it("reports nothing about a program that listens on all addresses", async () => {
    await program("index.js", answering)
    const findings: Array<Diagnosis | undefined> = []
    const told = new Promise<void>((resolve) => {
      start(specOf({ onFinding: (value) => resolve(void findings.push(value)) })).catch(() => undefined)
    })
    await told
    expect(findings).toEqual([undefined])
  })

  it("fails when the startup probe has reached its failure threshold", async () => {
    await program(
      "index.js",
      `require("node:http").createServer((_, response) => { response.statusCode = 500; response.end() }).listen(process.env.PORT)`
    )
    const startup = { path: "/", initialDelayMs: 0, periodMs: 100, timeoutMs: 1_000, failureThreshold: 4 }
    const instance = await start(specOf({ startup }))
    expect(await readyFailure(instance)).toMatchObject({
      reason: "ProbeFailing",
      message: expect.stringContaining("returned 500")
    })
    await exited(instance)
  })

  it.each([
    ["process.exit(3)", { reason: "CrashOnStart", message: expect.stringContaining("exit code 3") }],
    ["process.exit(0)", { reason: "ExitedOnStart" }],
    ["process.exit(127)", { reason: "CommandNotFound" }],
    [
      "process.kill(process.pid, 'SIGKILL')",
      { reason: "CrashOnStart", message: expect.stringContaining("by SIGKILL") }
    ],
    ["const all = []; for (;;) all.push(new Array(1e5).fill(0).map(String))", { reason: "OutOfMemory" }]
  ])("fails if it exits before: %s", async (content, expected) => {
    await program("package.json", JSON.stringify({ scripts: { start: "node --max-old-space-size=30 index.js" } }))
    await program("index.js", content)
    const instance = await start(specOf())
    expect(await readyFailure(instance)).toMatchObject(expected)
    expect(await exited(instance)).toMatchObject({ wanted: false, outOfMemory: expected.reason === "OutOfMemory" })
    expect(await readdir(join(data, "instances"))).toEqual([])
  })

  it("uses another port if somebody took the first one meanwhile", async () => {
    await program("index.js", answering)
    // Takes the port before the program can, once.
    await program(
      "thief.js",
      `const { existsSync, writeFileSync } = require("node:fs")
       if (existsSync("stolen")) require("./index.js")
       else fetch("http://127.0.0.1:" + process.env.THIEF + "/" + process.env.PORT).then(() => { writeFileSync("stolen", ""); require("./index.js") })`
    )
    const taken: Array<ReturnType<typeof createServer>> = []
    const thief = createServer((request, response) => {
      const server = createServer((_, answer) => answer.destroy()).listen(Number(request.url?.slice(1)), () =>
        response.end()
      )
      taken.push(server)
    })
    await new Promise<void>((resolve) => thief.listen(0, "127.0.0.1", resolve))
    const readiness = { path: "/", initialDelayMs: 0, periodMs: 1_000, timeoutMs: 1_000, failureThreshold: 1 }
    const instance = await start(
      specOf({
        command: ["node", "thief.js"],
        env: new Map([["THIEF", String((thief.address() as AddressInfo).port)]]),
        readiness
      })
    )
    const first = instance.port
    await ready(instance)
    expect(instance.port).not.toBe(first)
    for (const server of [thief, ...taken]) server.close()
  })
})

describe("liveness", () => {
  it("stops an instance that no longer answers", async () => {
    await program(
      "index.js",
      `require("node:http").createServer((request, response) => { response.end(); if (request.url === "/hang") for (;;); }).listen(process.env.PORT)`
    )
    const liveness = { path: "/live", initialDelayMs: 0, periodMs: 50, timeoutMs: 100, failureThreshold: 2 }
    const said: Array<string> = []
    const instance = await start(specOf({ liveness, graceMs: 200, onSystem: (line) => said.push(line) }))
    await ready(instance)
    await fetchText(instance, "/hang").catch(() => undefined)
    expect(await exited(instance)).toMatchObject({ signal: "SIGTERM", wanted: false })
    expect(said.join()).toContain("Liveness")
  })

  const anyAnswer = { protocol: "http1", host: "app--local.localhost" } as const
  const fast = { path: undefined, anyAnswer, initialDelayMs: 0, periodMs: 100, timeoutMs: 200, failureThreshold: 3 }

  it("by default stops a frozen instance, and says why", async () => {
    await program("index.js", `console.log(process.pid); ${answering}`)
    const seen = output()
    const instance = await start(specOf({ ...seen, liveness: fast, graceMs: 100 }))
    await ready(instance)
    process.kill(Number(seen.text()), "SIGSTOP")
    const exit = await exited(instance)
    expect(exit).toMatchObject({ signal: "SIGKILL", wanted: false })
    expect(exit.dead).toMatchObject({
      code: "LivenessFailing",
      message: "the program was stopped because it answered no request within 0.2 s, 3 times in a row"
    })
  })

  it("by default leaves an instance alone that answers with errors, or is as busy as it may be", async () => {
    const answers = (status: number) =>
      program(
        "index.js",
        `require("node:http").createServer((request, response) => {
          if (request.url !== "/work") return response.writeHead(${status}).end()
          response.writeHead(200).end(() => { for (const end = Date.now() + 1500; Date.now() < end; ); })
        }).listen(process.env.PORT)`
      )
    let isFull = false
    let ended = false
    for (const status of [404, 500]) {
      await answers(status)
      const traffic = { answered: () => 0, isFull: () => isFull }
      const instance = await start(specOf({ liveness: fast, traffic }))
      void exited(instance).then(() => {
        ended = true
      })
      await ready(instance)
      await new Promise((resolve) => setTimeout(resolve, 700))
      isFull = true
      await fetchText(instance, "/work")
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      expect(ended).toBe(false)
      isFull = false
      await fetchText(instance)
      expect(ended).toBe(false)
      await stop(instance)
      ended = false
    }
  })

  it("by default lets a single-threaded program finish its current request", async () => {
    // Reads the next connection after answering the previous one.
    await program(
      "index.js",
      `let before = Promise.resolve()
      require("node:net").createServer((socket) => {
        socket.on("error", () => {})
        before = before.then(() => new Promise((next) => {
          socket.on("close", next)
          socket.once("data", (head) => setTimeout(() => {
            socket.end("HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
            next()
          }, String(head).includes("/work") ? 2500 : 0))
        }))
      }).listen(process.env.PORT)`
    )
    const pool = makePool(0, { onRoom: () => {}, onDrained: () => {}, onSuspect: () => {} })
    const traffic = {
      answered: () => pool.answered("a"),
      isFull: (since: number) => pool.isFull("a", since),
      answeredProbe: (since: number) => pool.answeredProbe("a", since)
    }
    const instance = await start(specOf({ liveness: fast, traffic }))
    let ended = false
    void exited(instance).then(() => {
      ended = true
    })
    await ready(instance)
    pool.add({ id: "a", host: instance.host, port: instance.port, isReady: () => true })
    const lease = pool.take()
    expect(await fetchText(instance, "/work")).toBe("ok")
    lease?.answered()
    lease?.release()
    expect(ended).toBe(false)
    await stop(instance)
  })

  it("by default doesn't probe an instance that has answered requests meanwhile", async () => {
    await program(
      "index.js",
      `let asked = 0; require("node:http").createServer((request, response) => response.end(String(request.url === "/" ? asked : asked++))).listen(process.env.PORT)`
    )
    let answered = 0
    const traffic = { answered: () => answered++, isFull: () => false }
    const instance = await start(specOf({ liveness: fast, traffic }))
    await ready(instance)
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(await fetchText(instance)).toBe("0")
    await stop(instance)
  })
})

describe("stopping", () => {
  it("lets it exit on its own within the grace period, without the shell in front of it", async () => {
    await program("package.json", JSON.stringify({ scripts: { prestart: "true", start: "node index.js" } }))
    await program(
      "index.js",
      `${answering}; process.on("SIGTERM", () => { console.log("asked"); setTimeout(() => { console.log("drained"); process.exit(0) }, 300) })`
    )
    const seen = output()
    const instance = await start(specOf(seen))
    await ready(instance)
    await stop(instance)
    expect(seen.text()).toBe("asked\ndrained\n")
  })

  it("kills an instance that doesn't exit within the grace period", async () => {
    await program("index.js", `${answering}; process.on("SIGTERM", () => undefined)`)
    const instance = await start(specOf({ graceMs: 100 }))
    await ready(instance)
    await stop(instance)
    expect(await exited(instance)).toEqual({ code: null, signal: "SIGKILL", outOfMemory: false, wanted: true })
  })

  it("kills all children, including those that left the group and cleared their environment", async () => {
    await program(
      "index.js",
      `const { spawn } = require("node:child_process")
       const options = { stdio: "ignore" }
       const hang = "process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000)"
       const pids = [
         spawn(process.execPath, ["-e", hang], options),
         spawn(process.execPath, ["-e", hang], { ...options, detached: true }),
         spawn(process.execPath, ["-e", hang], { ...options, detached: true, env: {} }),
       ].map((child) => child.pid)
       require("node:http").createServer((_, response) => response.end(pids.join())).listen(process.env.PORT)`
    )
    const instance = await start(specOf({ graceMs: 200 }))
    await ready(instance)
    const pids = (await fetchText(instance)).split(",").map(Number)
    expect(await Promise.all(pids.map(isAlive))).toEqual([true, true, true])
    await stop(instance)
    expect(await Promise.all(pids.map(isAlive))).toEqual([false, false, false])
  })

  it("kills the children of a program that exited on its own", async () => {
    await program(
      "index.js",
      `const child = require("node:child_process").spawn("sleep", ["60"], { stdio: "inherit", detached: true }); console.log(child.pid); setTimeout(() => process.exit(7), 100)`
    )
    const seen = output()
    const instance = await start(specOf(seen))
    expect(await exited(instance)).toMatchObject({ code: 7, wanted: false })
    expect(await isAlive(Number(seen.text().trim()))).toBe(false)
  })
})

describe("cleaning up after a killed server", () => {
  /** A server in its own process that starts an instance of `folder` and is killed. */
  const killedServer = async (dataDirectory: string): Promise<number> => {
    const script = join(import.meta.dirname, "../../../../../test/instances/startAndHang.ts")
    const child = spawn(process.execPath, [script, dataDirectory, folder], { stdio: ["ignore", "pipe", "inherit"] })
    children.push(child)
    let printed = ""
    for await (const chunk of child.stdout) {
      printed += chunk
      if (printed.includes("\n")) break
    }
    const pid = Number(printed.trim())
    child.kill("SIGKILL")
    await new Promise((resolve) => child.once("exit", resolve))
    return pid
  }
  const clean = (dataDirectory: string) =>
    run(
      Effect.flatMap(Instances, (instances) => instances.clean),
      dataDirectory
    )

  it("stops its instances, and none of another data folder", async () => {
    await program("index.js", `${answering}; console.log(process.pid)`)
    const other = join(folder, "../other")
    const [mine, foreign] = [await killedServer(data), await killedServer(other)]
    expect(await isAlive(mine)).toBe(true)
    expect(await clean(data)).toBe(1)
    expect(await isAlive(mine)).toBe(false)
    expect(await isAlive(foreign)).toBe(true)
    expect(await readdir(join(data, "instances"))).toEqual([])
    expect(await clean(other)).toBe(1)
    expect(await isAlive(foreign)).toBe(false)
    await rm(homesFolder(other, await dataDirectoryId(other)), { recursive: true, force: true })
  })

  it("finds by the marker an instance whose server died between spawn and record", async () => {
    await program("index.js", `${answering}; console.log(process.pid)`)
    const pid = await killedServer(data)
    await rm(join(data, "instances"), { recursive: true })
    expect(await clean(data)).toBe(1)
    expect(await isAlive(pid)).toBe(false)
  })

  it("never kills a process that has reused an earlier pid", async () => {
    const stranger = spawn("sleep", ["60"], { stdio: "ignore" })
    children.push(stranger)
    await mkdir(join(data, "instances"), { recursive: true })
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "")
    const record = { id: "ins_1", kind: "process", pid: stranger.pid, startTime: "1", boot: boot.trim(), graceMs: 100 }
    await writeFile(join(data, "instances/ins_1.json"), JSON.stringify(record))
    await writeFile(join(data, "instances/ins_2.json"), '{"half')
    expect(await clean(data)).toBe(0)
    expect(await isAlive(stranger.pid ?? 0)).toBe(true)
    expect(await readdir(join(data, "instances"))).toEqual([])
  })
})

describe("output", () => {
  it("arrives complete and with flat memory, 50 MB of it", async () => {
    await program(
      "index.js",
      `const line = Buffer.alloc(1 << 16, 120)
       let left = 800
       const more = () => { if (left-- === 0) return process.exit(0); process.stdout.write(line, more) }
       more()`
    )
    let bytes = 0
    let highest = 0
    const before = process.memoryUsage().rss
    const onOutput = (_stream: string, chunk: Uint8Array) => {
      bytes += chunk.length
      highest = Math.max(highest, process.memoryUsage.rss())
    }
    const instance = await start(specOf({ onOutput }))
    await exited(instance)
    expect(bytes).toBe(800 * 65_536)
    expect(highest - before).toBeLessThan(40 * 1024 * 1024)
  })
})
