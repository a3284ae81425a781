import { spawn } from "node:child_process"
import { once } from "node:events"
import { appendFile, mkdtemp, readdir, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, ServiceName, StageName } from "@maxcloud/config-schema"
import { type LogEntry, OrganizationId } from "@maxcloud/sdk/api"
import { Chunk, Effect, Fiber, ManagedRuntime, Stream } from "effect"
import fc from "fast-check"
import type { LogQuery } from "../../port/Runtime.ts"
import { LogStore, type LogStoreOptions } from "./LogStore.ts"

const organizationId = OrganizationId.make(`org_${"a".repeat(32)}`)
const key = {
  organizationId,
  organization: OrganizationName.make("local"),
  app: AppName.make("shop"),
  stage: StageName.make("production"),
  namespace: "local",
  service: ServiceName.make("api")
}
const query = (options: Partial<LogQuery> = {}): LogQuery => ({
  key,
  follow: false,
  since: undefined,
  revision: undefined,
  tail: undefined,
  after: undefined,
  ...options
})
const source = (revision = "api-00001", service = "api") => ({
  organizationId,
  namespace: "local",
  service,
  revision,
  instance: `${revision}-a`
})

let directory: string
const stores: Array<{ dispose: () => Promise<void> }> = []

const openStore = async (options: Partial<LogStoreOptions> = {}) => {
  const runtime = ManagedRuntime.make(LogStore.layer({ directory, ...options }))
  const store = await runtime.runPromise(LogStore)
  const opened = {
    ...store,
    dispose: () => runtime.dispose(),
    all: (options: Partial<LogQuery> = {}) =>
      runtime.runPromise(Stream.runCollect(store.read(query(options))).pipe(Effect.map(Chunk.toReadonlyArray))),
    /** Collects a follower's lines until `enough` is true. */
    follow: (
      options: Partial<LogQuery>,
      enough: (entries: ReadonlyArray<LogEntry>) => boolean,
      entries: Array<LogEntry> = []
    ) => {
      return runtime.runPromise(
        store.read(query({ follow: true, ...options })).pipe(
          Stream.tap((entry) => Effect.sync(() => entries.push(entry))),
          Stream.takeUntil(() => enough(entries)),
          Stream.runDrain,
          Effect.as(entries)
        )
      )
    },
    run: runtime.runPromise
  }
  stores.push(opened)
  return opened
}

const linesOf = (entries: ReadonlyArray<LogEntry>) => entries.map((entry) => entry.line)
const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `line ${from + i}`)
const write = (writer: { write: (stream: "stdout", chunk: Uint8Array) => void }, lines: ReadonlyArray<string>) =>
  writer.write("stdout", Buffer.from(lines.map((line) => `${line}\n`).join("")))
const folder = () => join(directory, organizationId, "local", "api")
const sizeOnDisk = async () => {
  const names = await readdir(folder())
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder(), name))).size))
  return { files: names.length, bytes: sizes.reduce((a, b) => a + b, 0) }
}
const openLogFiles = async () => {
  const names = await readdir("/proc/self/fd")
  const { readlink } = await import("node:fs/promises")
  const links = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")))
  return links.filter((link) => link.startsWith(directory)).length
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "maxcloud-logs-"))
})
afterEach(async () => {
  for (const store of stores.splice(0)) await store.dispose()
  await rm(directory, { recursive: true, force: true })
})

describe("LogStore", () => {
  it("returns each line with its stream, revision and instance, in the order of writing", async () => {
    const store = await openStore()
    const writer = store.writer(source())
    writer.write("stdout", Buffer.from("out\npart"))
    writer.write("stderr", Buffer.from("err\n"))
    writer.system("started")
    await writer.close()
    const entries = await store.all()
    expect(entries.map(({ line, stream }) => [stream, line])).toEqual([
      ["stdout", "out"],
      ["stderr", "err"],
      ["system", "started"],
      ["stdout", "part"]
    ])
    expect(entries[0]).toMatchObject({
      service: "api",
      revision: "api-00001",
      instance: "api-00001-a",
      truncated: false
    })
  })

  it("returns the last lines with tail, of one revision or all, across files and blocks", async () => {
    const store = await openStore({ maxBytesPerService: 400_000, files: 4 })
    const first = store.writer(source("api-00001"))
    const second = store.writer(source("api-00002"))
    for (let i = 0; i < 2_000; i++) write(i % 10 === 0 ? second : first, [`line ${i}`])
    await Promise.all([first.close(), second.close()])
    expect((await sizeOnDisk()).files).toBeGreaterThan(1)
    expect(linesOf(await store.all({ tail: 1_500 }))).toEqual(numbered(500, 2_000))
    expect(linesOf(await store.all({ tail: 0 }))).toEqual([])
    const tens = numbered(0, 2_000).filter((_, i) => i % 10 === 0)
    expect(linesOf(await store.all({ tail: 100, revision: "api-00002" }))).toEqual(tens.slice(-100))
    expect(await store.run(store.tail(source("api-00002"), 3))).toEqual(["line 1970", "line 1980", "line 1990"])
  })

  it("starts at `since`", async () => {
    const store = await openStore()
    const writer = store.writer(source())
    write(writer, ["before"])
    const [before] = await store.all()
    const since = Date.parse(before?.at ?? "") + 1
    while (Date.now() < since) await new Promise((resolve) => setImmediate(resolve))
    write(writer, ["after"])
    expect(linesOf(await store.all({ since }))).toEqual(["after"])
    expect(linesOf(await store.all({ since, tail: 10 }))).toEqual(["after"])
    await writer.close()
  })

  it("resumes after any line without losing or repeating one, across rotation, restart and a partial last record", async () => {
    let store = await openStore({ maxBytesPerService: 200_000, files: 4 })
    let writer = store.writer(source())
    write(writer, numbered(0, 400))
    await writer.close()
    await store.dispose()
    const newest = (await readdir(folder())).sort().at(-1) ?? ""
    await appendFile(join(folder(), newest), '{"t":1,"r":"api-000')
    store = await openStore({ maxBytesPerService: 200_000, files: 4 })
    expect((await store.all()).length).toBe(400)
    writer = store.writer(source())
    write(writer, numbered(400, 900))
    await writer.close()
    const entries = await store.all()
    expect(linesOf(entries)).toEqual(numbered(0, 900))
    await fc.assert(
      fc.asyncProperty(fc.nat(899), async (i) => {
        const rest = await store.all({ after: entries[i]?.cursor ?? "" })
        expect(linesOf(rest)).toEqual(numbered(i + 1, 900))
      }),
      { numRuns: 40 }
    )
  })

  it("follows: existing lines first, then each new one, through rotations", async () => {
    const store = await openStore({ maxBytesPerService: 400_000, files: 4 })
    const writer = store.writer(source())
    write(writer, numbered(0, 10))
    const received: Array<LogEntry> = []
    const following = store.follow({ tail: 5 }, (entries) => entries.at(-1)?.line === "line 2999", received)
    await expect.poll(() => received.length).toBe(5)
    for (let i = 10; i < 3_000; i += 10) {
      write(writer, numbered(i, i + 10))
      if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect(linesOf(await following)).toEqual(numbered(5, 3_000))
    await writer.close()
  })

  it("ends a follower when its stream is interrupted while it waits", async () => {
    const store = await openStore()
    const fiber = await store.run(Effect.forkDaemon(Stream.runDrain(store.read(query({ follow: true })))))
    await new Promise((resolve) => setTimeout(resolve, 20))
    const exit = await store.run(Fiber.interrupt(fiber))
    expect(exit._tag).toBe("Failure")
  })

  it("keeps its files within the limit, with only the newest lines", async () => {
    const store = await openStore({ maxBytesPerService: 100_000, files: 4 })
    const writer = store.writer(source())
    for (let i = 0; i < 5_000; i += 100) {
      write(writer, numbered(i, i + 100))
      await store.all({ tail: 1 })
      expect((await sizeOnDisk()).bytes).toBeLessThanOrEqual(100_000)
    }
    await writer.close()
    const { files } = await sizeOnDisk()
    expect(files).toBe(4)
    const lines = linesOf(await store.all())
    expect(lines.length).toBeGreaterThan(600)
    expect(lines).toEqual(numbered(5_000 - lines.length, 5_000))
    // A cursor from a deleted file continues with the oldest line.
    expect(linesOf(await store.all({ after: "5-10" }))).toEqual(lines)
  })

  it("drops output that is faster than the disk, and says how much", async () => {
    const store = await openStore()
    const writer = store.writer(source())
    const chunk = Buffer.from(`${"x".repeat(999)}\n`.repeat(64))
    for (let i = 0; i < 100; i++) writer.write("stdout", chunk)
    await writer.close()
    const entries = await store.all()
    const kept = entries.filter((entry) => entry.stream === "stdout").length
    expect(kept).toBeGreaterThan(500)
    expect(kept).toBeLessThan(6_400)
    const told = entries.flatMap(({ line, stream }) =>
      stream === "system" ? [/^Dropped (\d+) bytes/.exec(line)?.[1]] : []
    )
    expect(told.map(Number).reduce((a, b) => a + b, 0)).toBe((6_400 - kept) * 1_000)
  })

  it("accepts 50 MB of anything in flat memory: long lines, carriage returns, binary", async () => {
    const store = await openStore()
    const writer = store.writer(source())
    const chunks = [
      Buffer.alloc(64 * 1024, "\r"),
      Buffer.from(`${"y".repeat(10_000)}\n`.repeat(6)),
      Buffer.from(Array.from({ length: 64 * 1024 }, (_, i) => (i * 31) & 0xff)),
      Buffer.from(`${"s".repeat(99)}\n`.repeat(600))
    ]
    globalThis.gc?.()
    const before = process.memoryUsage()
    let peak = 0
    for (let written = 0, i = 0; written < 50 * 2 ** 20; i++) {
      const chunk = chunks[Math.trunc(i / 40) % chunks.length] ?? Buffer.alloc(0)
      writer.write("stdout", chunk)
      written += chunk.length
      if (i % 8 === 0) await new Promise((resolve) => setImmediate(resolve))
      const now = process.memoryUsage()
      peak = Math.max(peak, now.heapUsed + now.external - before.heapUsed - before.external)
    }
    await writer.close()
    // On a slow disk the others may have been dropped.
    const last = store.writer(source())
    last.write("stdout", Buffer.from(`${"z".repeat(40_000)}\n`))
    await last.close()
    expect(peak).toBeLessThan(96 * 2 ** 20)
    expect((await sizeOnDisk()).bytes).toBeLessThanOrEqual(20 * 2 ** 20)
    const entries = await store.all()
    expect(entries.every((entry) => Buffer.byteLength(entry.line) <= 3 * 16 * 1024)).toBe(true)
    expect(entries.some((entry) => entry.truncated)).toBe(true)
  })

  it.skipIf(process.platform !== "linux")("holds no file open for idle services", async () => {
    const store = await openStore()
    const writers = Array.from({ length: 200 }, (_, i) => store.writer(source("r", `api-${i}`)))
    for (const writer of writers) write(writer, ["hello"])
    const first = await Promise.all(writers.map((_, i) => store.run(store.tail(source("r", `api-${i}`), 1))))
    expect(first.flat()).toEqual(writers.map(() => "hello"))
    expect(await openLogFiles()).toBeGreaterThan(0)
    await expect.poll(openLogFiles, { timeout: 30_000 }).toBe(0)
    write(writers[0] ?? expect.fail(), ["again"])
    await writers[0]?.close()
    expect(await store.run(store.tail(source("r", "api-0"), 5))).toEqual(["hello", "again"])
  })

  it("forgets a removed service, ends its followers, and reads from the beginning for an older cursor", async () => {
    const store = await openStore()
    const old = store.writer(source())
    write(old, numbered(0, 20))
    const before = await store.all()
    const following = store.follow({}, () => false)
    await new Promise((resolve) => setTimeout(resolve, 20))
    await store.run(store.remove(source()))
    expect((await following).length).toBe(20)
    write(old, ["too late"])
    await old.close()
    expect(await store.all()).toEqual([])
    const writer = store.writer(source())
    write(writer, ["new"])
    await writer.close()
    expect(linesOf(await store.all({ after: before.at(-1)?.cursor ?? "" }))).toEqual(["new"])
  })

  it("separates organizations, and accepts no name that leads outside its folder", async () => {
    const store = await openStore()
    const other = OrganizationId.make(`org_${"b".repeat(32)}`)
    const writer = store.writer({ ...source(), organizationId: other })
    write(writer, ["theirs"])
    await writer.close()
    expect(await store.all()).toEqual([])
    for (const name of ["..", "a/b", "", ".", "a\0b"]) {
      expect(() => store.writer(source("r", name))).toThrow()
      expect(await store.run(store.tail(source("r", name), 1))).toEqual([])
    }
  })

  it("refuses an invalid cursor", async () => {
    const store = await openStore()
    const exit = await store.run(Effect.either(Stream.runDrain(store.read(query({ after: "../../etc" })))))
    expect(exit).toMatchObject({ _tag: "Left", left: { reason: "refused" } })
  })

  it("survives a kill in the middle of writing", async () => {
    const program = `
      import { Effect } from "effect"
      import { LogStore } from ${JSON.stringify(new URL("./LogStore.ts", import.meta.url).href)}
      await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
        const store = yield* LogStore
        const writer = store.writer(${JSON.stringify(source())})
        for (let i = 0; ; i++) {
          writer.write("stdout", Buffer.from("line " + i + "\\n"))
          if (i === 20_000) console.log("go")
          if (i % 500 === 0) yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 1)))
        }
      }).pipe(Effect.provide(LogStore.layer({ directory: ${JSON.stringify(directory)} })))))`
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      cwd: import.meta.dirname,
      stdio: ["ignore", "pipe", "inherit"]
    })
    await once(child.stdout, "data")
    child.kill("SIGKILL")
    await once(child, "exit")
    const store = await openStore()
    const writer = store.writer(source())
    write(writer, ["after"])
    await writer.close()
    const lines = linesOf(await store.all())
    expect(lines.length).toBeGreaterThan(10_000)
    expect(lines).toEqual([...numbered(0, lines.length - 1), "after"])
  })
})
