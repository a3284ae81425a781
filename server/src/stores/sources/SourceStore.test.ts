import { execFile, execFileSync } from "node:child_process"
import { realpathSync } from "node:fs"
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { promisify } from "node:util"
import { NodeStream } from "@effect/platform-node"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "@effect/vitest"
import { SourceDigest } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { snapshotOf } from "@maxcloud/sdk/internal"
import { Chunk, Deferred, Effect, Exit, Fiber, FiberId, Layer, Option, Schema, Stream } from "effect"
import { accessAway } from "../../../test/images/testAccess.ts"
import { digestOf, type Entry, tarOf } from "../../../test/sources/tar.ts"
import { startTestNpmRegistry, type TestNpmRegistry } from "../../../test/sources/testNpmRegistry.ts"
import { type InstanceSpec, Instances } from "../../runtimes/local/instances/Instance.ts"
import { layer as instancesLayer } from "../../runtimes/local/instances/instancesLayer.ts"
import { type BuiltSource, SourceStore } from "./SourceStore.ts"
import { readSnapshot } from "./snapshotArchive.ts"
import { layer } from "./sourceStoreLayer.ts"

const organization = (id: number) => Schema.decodeSync(OrganizationId)(`org_${String(id).padStart(32, "0")}`)
const [own, foreign] = [organization(1), organization(2)]
const toDigest = Schema.decodeSync(SourceDigest)

let data: string
let environment: NodeJS.ProcessEnv

const run = <A, E>(use: (store: typeof SourceStore.Service) => Effect.Effect<A, E>) =>
  Effect.runPromiseExit(Effect.provide(Effect.flatMap(SourceStore, use), layer({ dataDirectory: data, environment })))
const succeed = async <A, E>(use: (store: typeof SourceStore.Service) => Effect.Effect<A, E>): Promise<A> => {
  const exit = await run(use)
  if (Exit.isSuccess(exit)) return exit.value
  throw new Error(exit.toString())
}
const failure = async <A, E>(use: (store: typeof SourceStore.Service) => Effect.Effect<A, E>): Promise<E> => {
  const exit = await run((store) => Effect.flip(use(store)))
  if (Exit.isSuccess(exit)) return exit.value
  throw new Error("It succeeded")
}

const inPieces = (archive: Buffer) =>
  Stream.fromChunk(
    Chunk.fromIterable(
      Array.from({ length: Math.ceil(archive.length / 100) }, (_, at) => archive.subarray(at * 100, at * 100 + 100))
    )
  )
const put = (entries: ReadonlyArray<Entry>) => (store: typeof SourceStore.Service) =>
  store.put(own, toDigest(digestOf(entries)), inPieces(tarOf(entries)))
const asFolder = (built: BuiltSource) => {
  if ("image" in built) throw new Error("It is an image")
  return built
}
const builtOf = (organization: OrganizationId, digest: SourceDigest) => (store: typeof SourceStore.Service) =>
  Effect.map(store.built(organization, { digest, hasCommand: true }), (found) => asFolder(found).folder)
const folderOf = (entries: ReadonlyArray<Entry>) => (store: typeof SourceStore.Service) =>
  put(entries)(store).pipe(Effect.zipRight(builtOf(own, toDigest(digestOf(entries)))(store)))

const runsSnapshot = (digest: SourceDigest): InstanceSpec => ({
  id: `ins_${process.pid}`,
  organizationId: own,
  namespace: "local",
  service: "app",
  revision: "app-00001",
  program: { kind: "snapshot", digest },
  command: undefined,
  args: undefined,
  port: 8080,
  env: new Map(),
  files: new Map(),
  cpuMilli: 1000,
  memoryBytes: 2 ** 28,
  startup: undefined,
  readiness: undefined,
  liveness: undefined,
  graceMs: 1_000,
  startDeadlineMs: 20_000,
  onOutput: () => {}
})

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "sources-"))
  environment = { PATH: process.env["PATH"], HOME: join(data, "home") }
})
afterEach(async () => {
  execFileSync("chmod", ["-R", "u+w", data])
  await rm(data, { recursive: true, force: true })
})

const longPath = `${"deep/".repeat(40)}file.txt`
const good: ReadonlyArray<Entry> = [
  { path: "bin/run", content: "#!/bin/sh\n", mode: 0o755 },
  { path: "current", type: "2", target: "bin/run" },
  { path: longPath, content: "x".repeat(5_000) },
  { path: "empty" },
  { path: "ümlaut/dangling", type: "2", target: "../nothing" }
]

describe("a snapshot", () => {
  it("is found with its size after its upload, only by its organization", async () => {
    const digest = toDigest(digestOf(good))
    expect(await succeed((store) => store.find(own, digest))).toEqual(Option.none())
    await succeed(put(good))
    expect(await succeed((store) => store.find(own, digest))).toEqual(Option.some(tarOf(good).length))
    expect(await succeed((store) => store.find(foreign, digest))).toEqual(Option.none())
    expect(await failure((store) => builtOf(foreign, digest)(store))).toMatchObject({ reason: "invalid" })
    // Again, as two clients may.
    await succeed(put(good))
  })

  it("is unpacked unchanged, and read-only", async () => {
    const folder = await succeed(folderOf(good))
    expect(await readFile(join(folder, longPath), "utf8")).toBe("x".repeat(5_000))
    expect(await realpath(join(folder, "current"))).toBe(await realpath(join(folder, "bin/run")))
    const modes = await Promise.all(
      ["", "bin", "bin/run", "empty"].map(async (name) => (await stat(join(folder, name))).mode & 0o777)
    )
    expect(modes).toEqual([0o555, 0o555, 0o555, 0o444])
    expect(await readdir(join(data, "sources", own, "unfinished"))).toEqual([])
  })

  it("is built once for all concurrent callers", async () => {
    await succeed(put(good))
    const digest = toDigest(digestOf(good))
    const folders = await succeed((store) =>
      Effect.all(
        Array.from({ length: 20 }, () => builtOf(own, digest)(store)),
        { concurrency: "unbounded" }
      )
    )
    expect(new Set(folders).size).toBe(1)
  })

  it("runs as the client packed it, from its folder to a running instance", async () => {
    const source = await mkdtemp(join(tmpdir(), "packed-"))
    execFileSync("sh", ["-c", `mkdir -p ${dirname(longPath)} && echo one > ${longPath} && ln -s ${longPath} link`], {
      cwd: source
    })
    await writeFile(join(source, "package.json"), JSON.stringify({ scripts: { start: "cat link && exit 3" } }))
    const snapshot = await Effect.runPromise(snapshotOf(source))
    await succeed((store) => store.put(own, snapshot.digest, NodeStream.fromReadable(snapshot.archive, String)))
    await rm(source, { recursive: true })

    let output = ""
    const spec: InstanceSpec = {
      ...runsSnapshot(snapshot.digest),
      onOutput: (_stream, chunk) => {
        output += Buffer.from(chunk).toString("utf8")
      }
    }
    const started = Effect.flatMap(Instances, (instances) => instances.start(spec)).pipe(
      Effect.flatMap((instance) => Effect.flip(Deferred.await(instance.ready))),
      Effect.provide(
        Layer.provide(
          instancesLayer({ dataDirectory: data }),
          Layer.merge(layer({ dataDirectory: data, environment }), accessAway)
        )
      )
    )
    expect(await Effect.runPromise(started)).toMatchObject({
      reason: "CrashOnStart",
      message: expect.stringContaining("exit code 3")
    })
    expect(output).toBe("one\n")
  })

  it("can be packed by another tar", async () => {
    const source = await mkdtemp(join(tmpdir(), "packed-"))
    execFileSync("sh", ["-c", "mkdir a && echo one > a/one && echo two > b && chmod 755 b && ln -s a/one c"], {
      cwd: source
    })
    const archive = execFileSync(
      "tar",
      ["--format=pax", "--sort=name", "--owner=0", "--group=0", "-cz", "a/one", "b", "c"],
      { cwd: source }
    )
    const entries = [
      { path: "a/one", content: "one\n" },
      { path: "b", content: "two\n", mode: 0o755 },
      { path: "c", type: "2", target: "a/one" }
    ]
    await succeed((store) => store.put(own, toDigest(digestOf(entries)), Stream.make(archive)))
    await rm(source, { recursive: true })
  })
})

describe("refuses an archive", () => {
  const cases: ReadonlyArray<readonly [what: string, entries: ReadonlyArray<Entry>]> = [
    ["with an absolute path", [{ path: "/etc/passwd", content: "x" }]],
    ["with a path that leaves the folder", [{ path: "a/../../x", content: "x" }]],
    ["with a path of dots", [{ path: "./x", content: "x" }]],
    ["with the same path twice", [{ path: "x" }, { path: "x" }]],
    ["out of order", [{ path: "b" }, { path: "a" }]],
    ["with an absolute link", [{ path: "x", type: "2", target: "/etc" }]],
    ["with a link that leaves the folder", [{ path: "a/x", type: "2", target: "../../x" }]],
    [
      "with links that leave the folder together",
      [
        { path: "a/b/up", type: "2", target: "../.." },
        { path: "a/b/x", type: "2", target: "up/.." }
      ]
    ],
    [
      "with a cycle of links",
      [
        { path: "x", type: "2", target: "y" },
        { path: "y", type: "2", target: "x" }
      ]
    ],
    [
      "that writes through a link",
      [
        { path: "x", type: "2", target: "." },
        { path: "x/y", content: "x" }
      ]
    ],
    ["with a device", [{ path: "x", type: "3" }]],
    ["with a pipe", [{ path: "x", type: "6" }]],
    ["with a hard link", [{ path: "x", type: "1", target: "/etc/passwd" }]],
    ["that ends too early", [{ path: "x", content: "x", size: 5_000_000 }]],
    ["with a giant pax header", [{ path: "x", type: "x", content: Buffer.alloc(100_000, 32) }]],
    ["with a malformed pax header", [{ path: "x", type: "x", content: "7 path" }]],
    ["with a path that's too long", [{ path: `${"x".repeat(256)}` }]]
  ]
  it.each(cases)("%s", async (_, entries) => {
    expect(await failure(put(entries))).toMatchObject({ _tag: "SourceError", reason: "invalid" })
    expect(await readdir(join(data, "sources", own, "archives"))).toEqual([])
    expect(await readdir(join(data, "sources", own, "unfinished"))).toEqual([])
  })

  it("if it isn't one, has another digest, or is incomplete", async () => {
    const digest = toDigest(digestOf(good))
    const archive = tarOf(good)
    const refused = (stream: Stream.Stream<Uint8Array, unknown>) => failure((store) => store.put(own, digest, stream))
    expect(await refused(Stream.make(Buffer.from("no gzip")))).toMatchObject({ reason: "invalid" })
    expect(await refused(Stream.make(archive.subarray(0, 200)))).toMatchObject({ reason: "invalid" })
    expect(await refused(Stream.empty)).toMatchObject({ reason: "invalid" })
    expect((await refused(Stream.make(tarOf(good.slice(1))))).message).toContain(digestOf(good.slice(1)))
    expect(await refused(Stream.concat(Stream.make(archive), Stream.fail("gone")))).toMatchObject({ reason: "invalid" })
    expect(await readdir(join(data, "sources", own, "archives"))).toEqual([])
  })

  it("if it's too large, packed or unpacked, or has too many files", async () => {
    const chunk = new Uint8Array(16 * 1024 * 1024)
    const endless = Stream.repeatValue<Uint8Array>(chunk)
    expect(await failure((store) => store.put(own, toDigest(digestOf(good)), endless))).toMatchObject({
      reason: "tooLarge"
    })
    const entries = [{ path: "a", content: Buffer.alloc(3_000_000) }, { path: "b" }, { path: "c" }]
    await succeed(put(entries))
    const archive = join(
      data,
      "sources",
      own,
      "archives",
      (await readdir(join(data, "sources", own, "archives")))[0] ?? ""
    )
    const limits = { unpackedBytes: 10_000_000, entries: 10 }
    expect(await readSnapshot(archive, undefined, limits)).toBe(digestOf(entries))
    await expect(readSnapshot(archive, undefined, { ...limits, unpackedBytes: 2_000_000 })).rejects.toMatchObject({
      reason: "tooLarge"
    })
    await expect(readSnapshot(archive, undefined, { ...limits, entries: 2 })).rejects.toMatchObject({
      reason: "tooLarge"
    })
  })
})

describe("dependencies", () => {
  let registry: TestNpmRegistry
  beforeAll(async () => {
    registry = await startTestNpmRegistry()
  })
  afterAll(() => registry.close())
  beforeEach(() => {
    registry.requests.length = 0
    environment = {
      ...environment,
      npm_config_registry: registry.url,
      npm_config_cache: join(data, "npm-cache"),
      npm_config_store_dir: join(data, "pnpm-store"),
      CANARY: "of the server",
      DATABASE_URL: "of the server"
    }
  })

  const packageJson = (more: object = {}) =>
    JSON.stringify({
      name: "app",
      version: "1.0.0",
      dependencies: { greeting: "1.0.0" },
      devDependencies: { absent: "1.0.0" },
      ...more
    })
  const npmLock = () =>
    JSON.stringify({
      name: "app",
      version: "1.0.0",
      lockfileVersion: 3,
      requires: true,
      packages: {
        "": {
          name: "app",
          version: "1.0.0",
          dependencies: { greeting: "1.0.0" },
          devDependencies: { absent: "1.0.0" }
        },
        "node_modules/absent": { version: "1.0.0", resolved: `${registry.url}absent/-/absent-1.0.0.tgz`, dev: true },
        "node_modules/greeting": {
          version: "1.0.0",
          resolved: registry.tarball,
          integrity: registry.integrity,
          hasInstallScript: true
        }
      }
    })
  const pnpmLock = () => `lockfileVersion: '9.0'
settings:
  autoInstallPeers: true
  excludeLinksFromLockfile: false
importers:
  .:
    dependencies:
      greeting:
        specifier: 1.0.0
        version: 1.0.0
packages:
  greeting@1.0.0:
    resolution: {integrity: ${registry.integrity}}
snapshots:
  greeting@1.0.0: {}
`
  const greets = async (folder: string) =>
    (await promisify(execFile)(process.execPath, ["-p", 'require("greeting")'], { cwd: folder })).stdout.trim()

  it("are installed by npm ci, without development ones, and with nothing of the server's environment", async () => {
    const folder = await succeed(
      folderOf([
        { path: "package-lock.json", content: npmLock() },
        { path: "package.json", content: packageJson() }
      ])
    )
    expect(await greets(folder)).toBe("hello")
    expect(await readdir(join(folder, "node_modules"))).not.toContain("absent")
    const seen = JSON.parse(await readFile(join(folder, "node_modules/greeting/environment.json"), "utf8"))
    expect(Object.keys(seen)).not.toContain("CANARY")
    expect(Object.keys(seen)).not.toContain("DATABASE_URL")
    expect((await stat(join(folder, "node_modules/greeting/index.js"))).mode & 0o222).toBe(0)
  })

  it("come from the cache if the lockfile is the same, but not for another organization", async () => {
    const entries = (code: string) => [
      { path: "index.js", content: code },
      { path: "package-lock.json", content: npmLock() },
      { path: "package.json", content: packageJson({ scripts: { start: code } }) }
    ]
    const first = await succeed(folderOf(entries("one")))
    const asked = registry.requests.length
    expect(asked).toBeGreaterThan(0)
    const second = await succeed(folderOf(entries("two")))
    expect(registry.requests.length).toBe(asked)
    expect(await greets(second)).toBe("hello")
    const file = "node_modules/greeting/index.js"
    expect((await stat(join(second, file))).ino).toBe((await stat(join(first, file))).ino)

    const digest = toDigest(digestOf(entries("one")))
    const folder = await succeed((store) =>
      store.put(foreign, digest, inPieces(tarOf(entries("one")))).pipe(Effect.zipRight(builtOf(foreign, digest)(store)))
    )
    expect((await stat(join(folder, file))).ino).not.toBe((await stat(join(first, file))).ino)
  })

  it("for development exist during the build and are gone after it, and aren't fetched again for a changed line", async () => {
    const lock = npmLock()
      .replace(',"devDependencies":{"absent":"1.0.0"}', "")
      .replace(/"node_modules\/absent":\{.*?\},/, "")
    const forBuild = lock
      .replace('"dependencies":{"greeting":"1.0.0"}', '"devDependencies":{"greeting":"1.0.0"}')
      .replace('"hasInstallScript":true', '"hasInstallScript":true,"dev":true')
    const entries = (code: string) => [
      { path: "index.js", content: `module.exports = "${code}"` },
      { path: "package-lock.json", content: forBuild },
      {
        path: "package.json",
        content: JSON.stringify({
          name: "app",
          version: "1.0.0",
          devDependencies: { greeting: "1.0.0" },
          scripts: { build: 'mkdir dist && node -p \'require("greeting") + require("./index")\' > dist/made' }
        })
      }
    ]
    const lines: Array<string> = []
    const build = (code: string) => (store: typeof SourceStore.Service) =>
      put(entries(code))(store).pipe(
        Effect.zipRight(store.built(own, { digest: toDigest(digestOf(entries(code))) }, (line) => lines.push(line))),
        Effect.map(asFolder)
      )
    const first = await succeed(build("one"))
    expect(await readFile(join(first.folder, "dist/made"), "utf8")).toBe("helloone\n")
    expect(await readdir(join(first.folder, "node_modules"))).not.toContain("greeting")
    expect(first.environment).toEqual({ NODE_ENV: "production" })
    expect(lines.filter((line) => line.startsWith("$ "))).toEqual([
      "$ npm ci",
      "$ npm run build",
      "$ npm prune --omit=dev --ignore-scripts"
    ])
    const asked = registry.requests.length
    lines.length = 0
    const second = await succeed(build("two"))
    expect(await readFile(join(second.folder, "dist/made"), "utf8")).toBe("hellotwo\n")
    expect(await readdir(join(second.folder, "node_modules"))).not.toContain("greeting")
    expect(registry.requests.length).toBe(asked)
    expect(lines.filter((line) => line.startsWith("$ "))).toEqual(["$ npm run build"])
    lines.length = 0
    expect((await succeed(build("two"))).folder).toBe(second.folder)
    expect(lines).toEqual([])
  })

  it("stay unchanged for the next build if one tries to change them", async () => {
    const entries = (code: string) => [
      { path: "index.js", content: code },
      {
        path: "package-lock.json",
        content: npmLock()
          .replace(/"node_modules\/absent":\{.*?\},/, "")
          .replace(',"devDependencies":{"absent":"1.0.0"}', "")
      },
      {
        path: "package.json",
        content: packageJson({
          devDependencies: undefined,
          scripts: {
            build:
              "echo 'module.exports = \"evil\"' > node_modules/greeting/index.js || true; rm -rf node_modules/greeting"
          }
        })
      }
    ]
    await succeed(folderOf(entries("one")))
    const [key = ""] = (await readdir(join(data, "sources", own, "dependencies"))).filter(
      (text) => !text.endsWith(".json")
    )
    const kept = join(data, "sources", own, "dependencies", key, "greeting/index.js")
    if (process.getuid?.() === 0) expect(await readFile(kept, "utf8")).toBe('module.exports = "hello"\n')
    expect((await stat(kept)).mode & 0o022).toBe(0)
    expect((await stat(kept)).uid).toBe(process.getuid?.())
  })

  it("aren't kept if the package manager reports success on a full disk", async () => {
    // A fake: npm as it behaves when the disk is full, with exit code 0 and empty files.
    const tools = await mkdtemp(join(tmpdir(), "fake-npm-"))
    onTestFinished(() => rm(tools, { recursive: true }))
    await chmod(tools, 0o755)
    const fake = (line: string) =>
      writeFile(
        join(tools, "npm"),
        `#!/bin/sh\nmkdir -p node_modules/greeting\n: > node_modules/greeting/package.json\n${line}\nexit 0\n`,
        { mode: 0o755 }
      )
    const real = environment
    environment = { ...environment, PATH: [tools, environment["PATH"]].join(delimiter) }
    const entries = [
      { path: "package-lock.json", content: npmLock() },
      { path: "package.json", content: packageJson() }
    ]
    for (const line of ["", "echo npm warn tar TAR_ENTRY_ERROR ENOSPC: no space left on device, write >&2"]) {
      await fake(line)
      expect(await failure(folderOf(entries))).toMatchObject({ reason: "unavailable" })
      expect(await readdir(join(data, "sources", own, "dependencies"))).toEqual([])
      expect(await readdir(join(data, "sources", own, "unfinished"))).toEqual([])
    }
    environment = real
    expect(await greets(await succeed(folderOf(entries)))).toBe("hello")
  })

  it("and their build stop with the server", async () => {
    const entries = [
      { path: "package.json", content: JSON.stringify({ scripts: { build: "echo started; sleep 1234 & wait" } }) }
    ]
    let started: (() => void) | undefined
    const isStarted = new Promise<void>((resolve) => {
      started = resolve
    })
    const exit = await run((store) =>
      put(entries)(store).pipe(
        Effect.zipRight(
          Effect.fork(
            store.built(own, { digest: toDigest(digestOf(entries)) }, (line) => {
              if (line === "started") started?.()
            })
          )
        ),
        Effect.zipRight(Effect.promise(() => isStarted))
      )
    )
    expect(Exit.isSuccess(exit)).toBe(true)
    const { stdout } = await promisify(execFile)("ps", ["-eo", "args"])
    expect(stdout.split("\n").filter((text) => text.trim() === "sleep 1234")).toEqual([])
    expect(await readdir(join(data, "sources", own, "built"))).toEqual([])
  })

  it("and their build stop when nobody waits for them any more, and start again for the next caller", async () => {
    const entries = [
      { path: "package.json", content: JSON.stringify({ scripts: { build: "echo started; sleep 1235 & wait" } }) }
    ]
    const running = async () => {
      const { stdout } = await promisify(execFile)("ps", ["-eo", "args"])
      return stdout.split("\n").filter((text) => text.trim() === "sleep 1235").length
    }
    const exit = await run((store) =>
      Effect.gen(function* () {
        yield* put(entries)(store)
        const ask = Effect.fnUntraced(function* () {
          const isStarted = yield* Deferred.make<void>()
          const build = store.built(own, { digest: toDigest(digestOf(entries)) }, (line) => {
            if (line === "started") Deferred.unsafeDone(isStarted, Effect.void)
          })
          return { isStarted: Deferred.await(isStarted), fiber: yield* Effect.fork(build) }
        })
        const first = yield* ask()
        yield* first.isStarted
        const second = yield* ask()
        yield* Effect.yieldNow()
        yield* Fiber.interrupt(first.fiber)
        expect(yield* Effect.promise(running)).toBe(1)
        yield* Fiber.interrupt(second.fiber)
        const third = yield* ask()
        yield* third.isStarted
        expect(yield* Effect.promise(running)).toBe(1)
      })
    )
    expect(exit).toEqual(Exit.void)
    expect(await running()).toBe(0)
  })

  it("stop when the start of their instance is cancelled", async () => {
    const entries = [
      { path: "package.json", content: JSON.stringify({ scripts: { build: "echo started; sleep 1236 & wait" } }) }
    ]
    const digest = toDigest(digestOf(entries))
    await succeed(put(entries))
    const isStarted = Deferred.unsafeMake<void>(FiberId.none)
    const spec: InstanceSpec = {
      ...runsSnapshot(digest),
      onBuild: (line) => {
        if (line === "started") Deferred.unsafeDone(isStarted, Effect.void)
      }
    }
    const program = Effect.gen(function* () {
      const instances = yield* Instances
      // Like the runner of a revision, which must receive what has been launched.
      const fiber = yield* Effect.fork(Effect.uninterruptible(instances.start(spec)))
      yield* Deferred.await(isStarted)
      return yield* Fiber.interrupt(fiber)
    }).pipe(
      Effect.provide(
        Layer.provide(
          instancesLayer({ dataDirectory: data }),
          Layer.merge(layer({ dataDirectory: data, environment }), accessAway)
        )
      )
    )
    expect(Exit.isInterrupted(await Effect.runPromise(program))).toBe(true)
  })

  it("are installed by npm install without a lockfile, and need no work if there are none", async () => {
    const folder = await succeed(folderOf([{ path: "package.json", content: packageJson({ devDependencies: {} }) }]))
    expect(await greets(folder)).toBe("hello")
    registry.requests.length = 0
    await succeed(folderOf([{ path: "package.json", content: JSON.stringify({ scripts: { start: "node ." } }) }]))
    expect(registry.requests).toEqual([])
  })

  const pnpm = (() => {
    try {
      return realpathSync(execFileSync("which", ["pnpm"], { encoding: "utf8", stdio: "pipe" }).trim())
    } catch {
      return undefined
    }
  })()
  it.skipIf(pnpm === undefined)(
    "are installed by pnpm if it wrote the lockfile, and linked from the cache too",
    async () => {
      // Where every user may run it: a root server installs as another user, and root's own pnpm is often in a closed
      // home.
      const tools = await mkdtemp(join(tmpdir(), "pnpm-"))
      onTestFinished(() => rm(tools, { recursive: true }))
      await chmod(tools, 0o755)
      await cp(dirname(dirname(pnpm ?? "")), join(tools, "pnpm"), { recursive: true })
      await mkdir(join(tools, "bin"))
      await symlink(join("..", "pnpm", "bin", "pnpm.cjs"), join(tools, "bin", "pnpm"))
      environment = { ...environment, PATH: [join(tools, "bin"), environment["PATH"]].join(delimiter) }
      const entries = (code: string) => [
        { path: "index.js", content: code },
        { path: "package.json", content: packageJson({ devDependencies: {} }) },
        { path: "pnpm-lock.yaml", content: pnpmLock() }
      ]
      expect(await greets(await succeed(folderOf(entries("one"))))).toBe("hello")
      const asked = registry.requests.length
      expect(await greets(await succeed(folderOf(entries("two"))))).toBe("hello")
      expect(registry.requests.length).toBe(asked)
    }
  )

  it("fail with the last lines if they can't be installed, and are retried only if the registry is unreachable", async () => {
    const entries = [
      { path: "package.json", content: packageJson({ dependencies: { nowhere: "1.0.0" }, devDependencies: {} }) }
    ]
    const error = await failure(folderOf(entries))
    expect(error).toMatchObject({ _tag: "SourceError", reason: "build" })
    expect(String(error.message)).toContain("nowhere")
    environment = { ...environment, npm_config_registry: "http://127.0.0.1:1/", npm_config_fetch_retries: "0" }
    expect(await failure(folderOf(entries))).toMatchObject({ reason: "unavailable" })
    expect(await readdir(join(data, "sources", own, "built"))).toEqual([])
    expect(await readdir(join(data, "sources", own, "unfinished"))).toEqual([])
  })
})
