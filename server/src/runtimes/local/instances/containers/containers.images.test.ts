import { execFile, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { createServer, get, type IncomingMessage } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Deferred, Effect, Either, Layer, Redacted, Schema, type Scope } from "effect"
import { accessAway } from "../../../../../test/images/testAccess.ts"
import { noSources } from "../../../../../test/noSources.ts"
import { missingTools } from "../../../../../test/registry/missingTools.ts"
import { buildNginxImage, buildNodeImage } from "../../../../../test/registry/scratchImage.ts"
import { startTestRegistry, type TestRegistry } from "../../../../../test/registry/testRegistry.ts"
import { dataDirectoryId } from "../../../../base/host/dataDirectoryId.ts"
import { type Instance, type InstanceSpec, Instances } from "../Instance.ts"
import { layer } from "../instancesLayer.ts"
import { containerName } from "./containers.ts"
import { dataDirectoryLabel, instanceLabel } from "./labels.ts"

const podman = async (...args: Array<string>) => (await promisify(execFile)("podman", args)).stdout.trim()

const nodeImage = `localhost/maxcloud-test-node:${process.pid}`
const nginxImage = `localhost/maxcloud-test-nginx:${process.pid}`
const organizationId = Schema.decodeSync(OrganizationId)(`org_${"1".padStart(32, "0")}`)

let data: string
let started: Array<Instance> = []
let environment: Record<string, string | undefined> = { ...process.env }

const run = <A, E>(effect: Effect.Effect<A, E, Instances>): Promise<A> =>
  Effect.runPromise(
    Effect.provide(
      effect,
      layer({ dataDirectory: data, environment }).pipe(Layer.provide(Layer.merge(noSources, accessAway)))
    )
  )

let count = 0
const specOf = (given: Partial<InstanceSpec> = {}): InstanceSpec => ({
  id: `ins_${process.pid}_${count++}`,
  organizationId,
  ownsMachine: true,
  namespace: "local",
  service: "app",
  revision: "app-00001",
  program: { kind: "image", image: nodeImage },
  command: undefined,
  args: [answering],
  port: 8080,
  env: new Map([["K_SERVICE", "app"]]),
  files: new Map(),
  cpuMilli: 1000,
  memoryBytes: 256 * 1024 * 1024,
  startup: undefined,
  readiness: undefined,
  liveness: undefined,
  graceMs: 5_000,
  startDeadlineMs: 20_000,
  onOutput: () => undefined,
  ...given
})

const answering = `
const { readFileSync } = require("node:fs")
require("node:http").createServer((request, response) => {
  if (request.url.startsWith("/file/")) return response.end(readFileSync(request.url.slice(5)))
  if (request.url === "/eat") { globalThis.eaten = []; for (;;) eaten.push(Buffer.alloc(1 << 20, 1)) }
  if (request.url.startsWith("/fetch/")) return fetch("http://" + request.url.slice(7), { signal: AbortSignal.timeout(5000) }).then((answer) => answer.text()).then((text) => response.end(text), (error) => response.end(String(error.cause ?? error)))
  response.end(JSON.stringify(process.env))
}).listen(process.env.PORT)
process.on("SIGTERM", () => { console.error("asked"); setTimeout(() => process.exit(0), 100) })`

/** Freezes whatever listens in a container. */
const freeze = `
const { readdirSync, readFileSync } = require("node:fs")
for (const pid of readdirSync("/proc").filter((_) => /^\\d+$/.test(_) && _ !== String(process.pid)))
  if (readFileSync("/proc/" + pid + "/cmdline", "utf8").includes("createServer")) process.kill(Number(pid), "SIGSTOP")`

const start = async (spec: InstanceSpec) => {
  const instance = await run(Effect.flatMap(Instances, (instances) => instances.start(spec)))
  started.push(instance)
  return instance
}
const startFailure = (image: string) =>
  run(
    Effect.flatMap(Instances, (instances) =>
      Effect.either(instances.start(specOf({ program: { kind: "image", image } })))
    ).pipe(Effect.map((result) => (Either.isLeft(result) ? result.left : undefined)))
  )
/** The same layer throughout, as in a server. */
const withLayer = <A, E>(effect: Effect.Effect<A, E, Instances | Scope.Scope>) => run(Effect.scoped(effect))
const startReady = (spec: InstanceSpec) =>
  Effect.gen(function* () {
    const instance = yield* (yield* Instances).start(spec)
    started.push(instance)
    yield* Deferred.await(instance.ready)
    return instance
  })
const fetching = (instance: Instance, path: string) => Effect.promise(() => fetchText(instance, path))
/** A server on this machine. */
const listening = (host: string, onRequest: (request: IncomingMessage) => void) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = createServer((request, response) => {
        onRequest(request)
        response.end("from the host")
      })
      await new Promise<void>((resolve) => server.listen(0, host, resolve))
      return server
    }),
    (server) =>
      Effect.promise(() => {
        server.closeAllConnections()
        return new Promise((resolve) => server.close(resolve))
      })
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      return { port: typeof address === "object" && address !== null ? address.port : 0 }
    })
  )
/** Runs a program beside the service's own until it exits. */
const execute = async (instance: Instance, command: ReadonlyArray<string>, input = "", tty = false) => {
  const terminal = tty ? { columns: 91, rows: 33 } : undefined
  const process = instance.exec?.({ command, terminal }) ?? expect.fail("it can't run another program")
  let out = ""
  let err = ""
  process.stdout.on("data", (chunk) => {
    out += chunk
  })
  process.stderr?.on("data", (chunk) => {
    err += chunk
  })
  process.stdin.end(input)
  const code = await process.exit
  await process.end()
  return { code, out, err }
}
const containerAddress = async (id: string) => {
  const name = await podman("ps", "--quiet", "--filter", `label=${instanceLabel}=${id}`)
  return podman("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
}
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
const output = () => {
  const text = { stdout: "", stderr: "" }
  const onOutput = (stream: "stdout" | "stderr", chunk: Uint8Array) => {
    text[stream] += Buffer.from(chunk).toString("utf8")
  }
  return { onOutput, text }
}
const containersOf = async (id: string) =>
  (await podman("ps", "--all", "--quiet", "--filter", `label=${dataDirectoryLabel}=${id}`)).split("\n").filter(Boolean)

const missing = missingTools("instances as containers", "podman")

describe.skipIf(missing.length > 0)("containers", () => {
  beforeAll(() => buildNodeImage(nodeImage))
  afterAll(() => podman("image", "rm", "--force", nodeImage))

  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), "instances-"))
  })
  afterEach(async () => {
    await Promise.all(started.map(stop))
    started = []
    const left = await containersOf(await dataDirectoryId(data))
    await run(Effect.flatMap(Instances, (instances) => instances.clean))
    await rm(data, { recursive: true, force: true })
    expect(left).toEqual([])
  })

  it("answer on loopback, with their declared environment and nothing from the server's own", async () => {
    environment = { ...process.env, CANARY: "of the server", HTTP_PROXY: "http://of-the-server" }
    const env = new Map<string, string | Redacted.Redacted>([
      ["K_SERVICE", "app"],
      ["SECRET", Redacted.make("two\nlines")],
      ["DOCKER_HOST", "tcp://of-the-app"],
      ["NO_PROXY", " kept as it is # "]
    ])
    const instance = await start(specOf({ env }))
    environment = { ...process.env }
    await ready(instance)
    const seen = JSON.parse(await fetchText(instance))
    expect(seen).toMatchObject({
      PORT: "8080",
      K_SERVICE: "app",
      SECRET: "two\nlines",
      DOCKER_HOST: "tcp://of-the-app",
      NO_PROXY: " kept as it is # "
    })
    expect(Object.keys(seen).filter((name) => /canary|proxy|containers/i.test(name))).toEqual(["NO_PROXY"])
    expect(instance.resolvedImage).toMatch(/^sha256:/)
  })

  it.each(["a signal", "the engine"])("are stopped by default if %s has frozen them", async (by) => {
    const liveness = {
      path: undefined,
      anyAnswer: { protocol: "http1", host: "app--local.localhost" },
      initialDelayMs: 0,
      periodMs: 200,
      timeoutMs: 500,
      failureThreshold: 3
    } as const
    const instance = await start(specOf({ args: [`${answering}; console.log(process.pid)`], liveness, graceMs: 1_000 }))
    await ready(instance)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(await fetchText(instance)).toContain("K_SERVICE")
    const name = containerName(await dataDirectoryId(data), instance.id)
    if (by === "a signal") await podman("exec", name, "/usr/bin/node", "-e", freeze)
    else await podman("pause", name)
    expect(await exited(instance)).toMatchObject({
      wanted: false,
      outOfMemory: false,
      dead: { code: "LivenessFailing" }
    })
  })

  it.each([8080, "auto"] as const)(
    "can be reached on every port that their image exposes, with the port %s",
    async (port) => {
      const image = `localhost/maxcloud-test-exposing:${process.pid}`
      const instruction = "EXPOSE 8080 9000-9003 9229 53/udp"
      const folder = await mkdtemp(join(tmpdir(), "exposing-"))
      await writeFile(join(folder, "Containerfile"), `FROM ${nodeImage}\n${instruction}\n`)
      await podman("build", "--quiet", "--no-cache", "--tag", image, folder)
      await rm(folder, { recursive: true })
      try {
        const speak = `${answering}
for (const port of [9000, 9003, 9229]) require("node:net").createServer((socket) => socket.end("port " + port)).listen(port)`
        const instance = await start(specOf({ program: { kind: "image", image }, port, args: [speak] }))
        await ready(instance)
        expect(await fetchText(instance)).toContain("K_SERVICE")
        const published = new Map(instance.published?.map((each) => [each.declaredPort, each.port]))
        expect([...published.keys()].sort()).toEqual([8080, 9000, 9001, 9002, 9003, 9229])
        for (const declared of [9000, 9003, 9229]) {
          const socket = connect(published.get(declared) ?? 0, instance.host)
          expect(Buffer.concat(await socket.toArray()).toString()).toBe(`port ${declared}`)
        }
      } finally {
        await podman("image", "rm", "--force", image)
      }
    }
  )

  it("put no value of a variable or file into an argument of any process", async () => {
    const env = new Map([["SECRET", Redacted.make("not-for-ps")]])
    const files = new Map([["/run/secrets/token", Redacted.make("not-for-ps-either")]])
    const instance = await start(specOf({ env, files }))
    await ready(instance)
    const commands = await Promise.all(
      (await readdir("/proc"))
        .filter((name) => /^\d+$/.test(name))
        .map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""))
    )
    expect(commands.filter((command) => command.includes("not-for-ps"))).toEqual([])
  })

  it("read their files, which are removed with them", async () => {
    const folder = join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), `maxcloud-${await dataDirectoryId(data)}`)
    const spec = specOf({ files: new Map([["/run/secrets/a,b", Redacted.make("content")]]) })
    const instance = await start(spec)
    await ready(instance)
    expect(await fetchText(instance, "/file/run/secrets/a,b")).toBe("content")
    expect(await readdir(join(folder, spec.id))).toEqual(["0", "start"])
    await stop(instance)
    expect(existsSync(folder)).toBe(false)
  })

  it("run other programs beside their own, with their variables, which the engine never sees", async () => {
    const instance = await start(specOf({ env: new Map([["TOKEN", Redacted.make("canary-of-exec")]]) }))
    await ready(instance)
    const program = `process.stdin.pipe(process.stdout); console.error(process.env.TOKEN); process.on("exit", () => { process.exitCode = 5 })`
    const ran = await execute(instance, ["node", "-e", program], "typed")
    expect(ran).toEqual({ code: 5, out: "typed", err: "canary-of-exec\n" })
    const service = specOf({}).service
    const missing = `nosuch: not found in the image of ${service}`
    expect(await execute(instance, ["nosuch"])).toEqual({ code: 127, out: "", err: `${missing}\n` })
    expect((await execute(instance, ["nosuch"], "", true)).out).toBe(`${missing}\r\n`)
    const name = await podman("ps", "--quiet", "--filter", `label=${instanceLabel}=${instance.id}`)
    expect(await podman("inspect", name)).not.toContain("canary-of-exec")
    const tty = await execute(instance, ["node", "-e", "process.stdout.write(String(process.stdout.isTTY))"], "", true)
    expect(tty).toMatchObject({ code: 0, out: "true" })

    // Programs that ignore the first signal, and their children, end with the session as well.
    const stubborn = `
      process.on("SIGTERM", () => {})
      require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)", "left-behind"], { detached: true })
      console.log("up"); setInterval(() => {}, 1e6)`
    const process = instance.exec?.({ command: ["node", "-e", stubborn, "left-behind"], terminal: undefined })
    await new Promise((resolve) => process?.stdout.once("data", resolve))
    const inside = async () => (await podman("top", name, "args")).includes("left-behind")
    expect(await inside()).toBe(true)
    await process?.end()
    expect(await inside()).toBe(false)
    await stop(instance)
  })

  it("are asked to stop, and their last output is captured", async () => {
    const seen = output()
    const instance = await start(specOf(seen))
    await ready(instance)
    await stop(instance)
    expect(seen.text.stderr).toContain("asked")
    expect(await exited(instance)).toEqual({ code: 0, signal: null, outOfMemory: false, wanted: true })
    expect(await readdir(join(data, "instances"))).toEqual([])
  })

  it("can be stopped even if they have hardly started", async () => {
    const instance = await start(specOf({ graceMs: 0 }))
    await stop(instance)
    expect((await exited(instance)).wanted).toBe(true)
  })

  it("are known to have run out of memory", async () => {
    const said: Array<string> = []
    const instance = await start(specOf({ memoryBytes: 64 * 1024 * 1024, onSystem: (line) => said.push(line) }))
    await ready(instance)
    await fetchText(instance, "/eat").catch(() => undefined)
    const exit = await exited(instance)
    expect(exit).toMatchObject({ wanted: false })
    expect(exit.outOfMemory || said.some((line) => line.includes("without limits"))).toBe(true)
  }, 60_000)

  it("fail with their exit code, or the reason why they can't run", async () => {
    const early = await start(specOf({ args: ["process.exit(3)"] }))
    expect(await readyFailure(early)).toMatchObject({
      reason: "CrashOnStart",
      message: expect.stringContaining("exit code 3")
    })
    const seen = output()
    const absent = await start(specOf({ command: ["/no/such"], ...seen }))
    expect(await readyFailure(absent)).toMatchObject({ reason: "CommandNotFound", retryable: false })
  })

  it("get a message if they listen on the wrong port", async () => {
    const { args: given, ...seen } = specOf()
    const listening = (where: string) => [(given?.[0] ?? "").replace("process.env.PORT", where)]
    const lines: Array<string> = []
    const onSystem = (line: string) => lines.push(line)
    const short = { ...seen, startDeadlineMs: 4_000, graceMs: 0, onSystem }
    const [elsewhere, inside] = await Promise.all([
      start(specOf({ ...short, id: `${seen.id}_a`, args: listening("3000") })),
      start(specOf({ ...short, id: `${seen.id}_b`, args: listening('8080, "127.0.0.1"') }))
    ])
    expect(await Promise.all([readyFailure(elsewhere), readyFailure(inside)])).toEqual([
      expect.objectContaining({ reason: "WrongPort", fix: expect.stringContaining("`port: 3000`") }),
      expect.objectContaining({ reason: "LoopbackOnly", message: expect.stringContaining("port 8080") })
    ])
    expect(lines.filter((line) => line.startsWith("Not ready yet:"))).toHaveLength(2)
  })

  it("run a command in place of the entrypoint", async () => {
    const instance = await start(
      specOf({
        command: ["node", "-e"],
        args: [answering.replace("process.env)", "process.argv)"), "one", "two words"]
      })
    )
    await ready(instance)
    expect(JSON.parse(await fetchText(instance)).slice(1)).toEqual(["one", "two words"])
  })

  it("use another port if somebody took the first one meanwhile", async () => {
    const { isFree } = await import("../freePort.ts")
    const said = output()
    // An engine that finds its port taken in the first run.
    const wrapper = join(data, "podman")
    await writeFile(
      wrapper,
      `#!/bin/sh
if [ "$1" = run ] && [ ! -e "${data}/once" ]; then touch "${data}/once"; echo "Error: listen tcp4 127.0.0.1: bind: address already in use" >&2; exit 126; fi
exec ${(await promisify(execFile)("sh", ["-c", "command -v podman"])).stdout.trim()} "$@"
`,
      { mode: 0o755 }
    )
    const before = process.env["PATH"]
    process.env["PATH"] = `${data}:${before}`
    environment = { ...process.env }
    try {
      const instance = await start(specOf(said))
      const first = instance.port
      await ready(instance)
      expect(existsSync(join(data, "once"))).toBe(true)
      expect(instance.port).not.toBe(first)
      expect(await isFree(instance.port)).toBe(false)
      await stop(instance)
    } finally {
      process.env["PATH"] = before
      environment = { ...process.env }
    }
  })

  it("reach a listener of this machine at the given address, and are distinguished from others", async () => {
    const owner = { organizationId, namespace: "local" }
    await withLayer(
      Effect.gen(function* () {
        const instances = yield* Instances
        const host = yield* instances.containerHost(owner)
        if (host === undefined) throw new Error("podman was there a moment ago")
        const seen: Array<string> = []
        const { port } = yield* listening(host.bind(), (request) => seen.push(request.socket.remoteAddress ?? ""))
        const instance = yield* startReady(specOf())
        expect(yield* fetching(instance, `/fetch/${host.address}:${port}`)).toBe("from the host")
        expect(seen.map(host.accepts)).toEqual([true])
        const strangers = ["203.0.113.7", "::ffff:203.0.113.7", "2001:db8::1", "127.0.0.1", "10.88.0.1"]
        expect(strangers.filter(host.accepts)).toEqual([])
      })
    )
  })

  it("reach nothing that listens on this machine's loopback, by any name or address", async () => {
    await withLayer(
      Effect.gen(function* () {
        const host = yield* (yield* Instances).containerHost({ organizationId, namespace: "local" })
        const seen: Array<string> = []
        const { port } = yield* listening("127.0.0.1", (request) => seen.push(request.url ?? ""))
        // The target of a helper name: one that everybody may reach.
        const open = yield* listening("0.0.0.0", (request) => seen.push(request.url ?? ""))
        const instance = yield* startReady(specOf())
        const names = ["host.containers.internal", "host.docker.internal", "gateway.docker.internal"]
        const wanted = [
          ...[host?.address, "127.0.0.1", "localhost", ...names].map((name) => `${name}:${port}`),
          ...names.map((name) => `${name}:${open.port}`)
        ]
        const answers = yield* Effect.forEach(wanted, (at) => fetching(instance, `/fetch/${at}`), { concurrency: 3 })
        expect(answers.filter((answer) => answer.includes("from the host"))).toEqual([])
        expect(seen).toEqual([])
      })
    )
  }, 60_000)

  it("can't reach another organization, or another namespace", async () => {
    const other = Schema.decodeSync(OrganizationId)(`org_${"2".padStart(32, "0")}`)
    await withLayer(
      Effect.gen(function* () {
        const theirs = yield* startReady(specOf({ organizationId: other, namespace: "theirs" }))
        const staging = yield* startReady(specOf({ namespace: "staging--local" }))
        const [mine, sibling] = [yield* startReady(specOf()), yield* startReady(specOf())]
        const addressOf = (instance: Instance) => Effect.promise(() => containerAddress(instance.id))
        expect(yield* fetching(mine, `/fetch/${yield* addressOf(sibling)}:8080`)).toContain("K_SERVICE")
        for (const foreign of [theirs, staging])
          expect(yield* fetching(mine, `/fetch/${yield* addressOf(foreign)}:8080`)).not.toContain("K_SERVICE")
        // Not through their link's listener either.
        const host = yield* (yield* Instances).containerHost({ organizationId: other, namespace: "theirs" })
        const seen: Array<string> = []
        const { port } = yield* listening(host?.bind() ?? "", (request) =>
          seen.push(request.socket.remoteAddress ?? "")
        )
        yield* fetching(mine, `/fetch/${host?.address}:${port}`)
        expect(seen.filter((address) => host?.accepts(address))).toEqual([])
      })
    )
  }, 60_000)

  it("have a network that is removed with their namespace, and by the cleaning at start", async () => {
    const id = await dataDirectoryId(data)
    const networks = async () =>
      (await podman("network", "ls", "--quiet", "--filter", `label=${dataDirectoryLabel}=${id}`))
        .split("\n")
        .filter(Boolean)
    await withLayer(
      Effect.gen(function* () {
        const instances = yield* Instances
        yield* instances.containerHost({ organizationId, namespace: "one" })
        yield* instances.containerHost({ organizationId, namespace: "two" })
        expect(yield* Effect.promise(networks)).toHaveLength(2)
        yield* instances.removeNamespace({ organizationId, namespace: "one" })
        expect(yield* Effect.promise(networks)).toHaveLength(1)
      })
    )
    await run(Effect.flatMap(Instances, (instances) => instances.clean))
    expect(await networks()).toEqual([])
  })

  it("are removed if a killed server left them, unlike others", async () => {
    const script = join(import.meta.dirname, "../../../../../test/instances/startAndHang.ts")
    const server = spawn(process.execPath, [script, data, nodeImage], { stdio: ["ignore", "ignore", "inherit"] })
    const id = await dataDirectoryId(data)
    while ((await containersOf(id)).length === 0) await new Promise((resolve) => setTimeout(resolve, 50))
    server.kill("SIGKILL")
    await new Promise((resolve) => server.once("exit", resolve))
    const name = `stranger-${process.pid}`
    await podman("create", "--name", name, "--label", `${dataDirectoryLabel}=another`, nodeImage)
    expect(await run(Effect.flatMap(Instances, (instances) => instances.clean))).toBe(1)
    expect(await containersOf(id)).toEqual([])
    expect(await readdir(join(data, "instances"))).toEqual([])
    expect(await podman("ps", "--all", "--quiet", "--filter", `name=${name}`)).not.toBe("")
    await podman("rm", name)
  })
})

describe.skipIf(missingTools("pulls from a registry", "podman", "docker-registry", "nginx").length > 0)(
  "images",
  () => {
    let registry: TestRegistry

    beforeAll(async () => {
      registry = await startTestRegistry()
      await buildNginxImage(nginxImage)
      await registry.push(nginxImage, "library/nginx:stable")
      await podman("image", "rm", "--force", nginxImage)
    })
    afterAll(async () => {
      await registry[Symbol.asyncDispose]()
      await podman("image", "rm", "--force", "--ignore", "docker.io/library/nginx:stable")
    })
    beforeEach(async () => {
      data = await mkdtemp(join(tmpdir(), "instances-"))
      environment = { ...process.env, ...registry.environment }
    })
    afterEach(async () => {
      await Promise.all(started.map(stop))
      started = []
      await rm(data, { recursive: true, force: true })
      environment = { ...process.env }
    })

    it("are pulled as users write them: nginx:stable, which starts as root on port 80", async () => {
      const said: Array<string> = []
      const seen = output()
      const instance = await start(
        specOf({
          ...seen,
          program: { kind: "image", image: "nginx:stable" },
          args: undefined,
          port: 80,
          onSystem: (line) => said.push(line)
        })
      )
      await ready(instance)
      expect(await fetchText(instance)).toContain("Welcome to nginx!")
      expect(said).toContain("Pulling image docker.io/library/nginx:stable")
      await stop(instance)
      expect(await exited(instance)).toMatchObject({ code: 0, wanted: true })
      expect(seen.text.stderr).toContain("gracefully shutting down")
    })

    it("report that they don't exist, need a login, have an unreachable registry, or are for another platform", async () => {
      const guarded = createServer((_, response) => {
        response.writeHead(401, { "www-authenticate": 'Basic realm="private"' }).end()
      })
      await new Promise<void>((resolve) => guarded.listen(0, "127.0.0.1", resolve))
      const { port } = guarded.address() as AddressInfo
      const registries = join(data, "registries.conf")
      await writeFile(
        registries,
        `${await readFile(registry.environment["CONTAINERS_REGISTRIES_CONF"] ?? "", "utf8")}
[[registry]]
location = "127.0.0.1:${port}"
insecure = true
[[registry]]
location = "127.0.0.1:1"
insecure = true
`
      )
      environment = { ...environment, CONTAINERS_REGISTRIES_CONF: registries }
      const foreign = `localhost/maxcloud-test-foreign:${process.pid}`
      await writeFile(join(data, "Containerfile"), "FROM scratch\nCOPY Containerfile /\n")
      await podman("build", "--quiet", "--platform", "linux/s390x", "--tag", foreign, data)

      expect(await startFailure("nothing:1")).toMatchObject({ reason: "ImageNotFound", retryable: false })
      expect(await startFailure("nginx:9")).toMatchObject({ reason: "ImageNotFound", retryable: false })
      expect(await startFailure(`127.0.0.1:${port}/private:1`)).toMatchObject({
        reason: "ImageUnauthorized",
        retryable: false
      })
      expect(await startFailure("127.0.0.1:1/away:1")).toMatchObject({ reason: "RegistryUnreachable", retryable: true })
      expect(await startFailure("Not An Image")).toMatchObject({ reason: "ImageInvalid", retryable: false })
      expect(await startFailure(foreign)).toMatchObject({ reason: "WrongPlatform", retryable: false })
      await podman("image", "rm", "--force", foreign)
      guarded.close()
    })
  }
)

describe("without a container engine", () => {
  it("say what to install", async () => {
    data = await mkdtemp(join(tmpdir(), "instances-"))
    environment = { PATH: data }
    const path = process.env["PATH"]
    process.env["PATH"] = data
    try {
      expect(
        await run(
          Effect.flatMap(Instances, (instances) => instances.missing("image", { organizationId, namespace: "local" }))
        )
      ).toContain("Install podman")
      expect(await startFailure("nginx")).toMatchObject({ reason: "NoContainerEngine", retryable: false })
    } finally {
      process.env["PATH"] = path
      environment = { ...process.env }
      await rm(data, { recursive: true, force: true })
    }
  })
})
