import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, type Layer, ManagedRuntime, Stream } from "effect"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  type HistoryKey,
  type HistoryOptions,
  type HistoryQuery,
  LogHistory,
  layerFolder,
  layerS3
} from "./LogHistory.ts"
import { compareLines, type LogLine, timeOf } from "./LogLine.ts"

const keyOf = (letter: string, service = "api"): HistoryKey => ({
  organizationId: OrganizationId.make(`org_${letter.repeat(32)}`),
  namespace: "shop",
  service
})

interface Backend {
  readonly layer: (options: HistoryOptions) => Layer.Layer<LogHistory>
  readonly end: () => Promise<void>
}

const folder = async (): Promise<Backend> => {
  const directory = await mkdtemp(join(tmpdir(), "maxcloud-history-"))
  return {
    layer: (options) => layerFolder({ ...options, directory }),
    end: () => rm(directory, { recursive: true, force: true })
  }
}

const rclone = [
  ...(process.env["PATH"] ?? "").split(":"),
  process.env["GOBIN"] ?? "",
  join(process.env["HOME"] ?? "", "go/bin")
]
  .map((_) => join(_, "rclone"))
  .find((_) => existsSync(_))

/** An S3 server of its own on a free port of loopback. */
const s3 = async (): Promise<Backend> => {
  const directory = await mkdtemp(join(tmpdir(), "maxcloud-s3-"))
  await mkdir(join(directory, "logs"))
  const credentials = { accessKeyId: "tester", secretAccessKey: "not-a-secret" }
  const server = spawn(
    rclone ?? "rclone",
    ["serve", "s3", directory, "--addr", "127.0.0.1:0", "--auth-key", Object.values(credentials).join(","), "-v"],
    { stdio: ["ignore", "ignore", "pipe"] }
  )
  const endpoint = await new Promise<string>((resolve, reject) => {
    server.once("exit", (code) => reject(new Error(`rclone ended with exit code ${code}`)))
    server.once("error", reject)
    createInterface({ input: server.stderr }).on("line", (line) => {
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line)
      if (found !== null) resolve(found[0])
    })
  })
  return {
    layer: (options) => layerS3({ ...options, s3: { bucket: "logs", prefix: "kept", endpoint, credentials } }),
    end: async () => {
      server.removeAllListeners("exit")
      server.kill()
      await rm(directory, { recursive: true, force: true })
    }
  }
}

const line = (t: string, n: number, pod: string, text: string, revision = "api-00001"): LogLine => ({
  t,
  n,
  uid: `uid-${pod}`,
  instance: pod,
  revision,
  line: text,
  truncated: false
})
const day = 86_400_000
const noon = Date.parse("2026-03-10T12:00:00Z")
const numbered = (from: number, to: number, start = noon, pod = "a") =>
  Array.from({ length: to - from }, (_, i) => line(timeOf(start + (from + i) * 1000), 0, pod, `line ${from + i}`))

const backends = [
  { name: "a folder", open: folder, runs: 40, left: false },
  { name: "S3", open: s3, runs: 8, left: rclone === undefined }
]
if (rclone === undefined) console.warn("Not run here: kept lines in S3 (missing: rclone)")

describe.each(backends)("lines kept in $name", ({ left, open, runs }) => {
  describe.skipIf(left)("", () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await open()
    })
    afterAll(() => backend.end())

    const using = async <A>(
      options: HistoryOptions,
      use: (history: LogHistory["Type"]) => Effect.Effect<A, unknown>
    ) => {
      const runtime = ManagedRuntime.make(backend.layer(options))
      try {
        return await runtime.runPromise(Effect.flatMap(LogHistory, use))
      } finally {
        await runtime.dispose()
      }
    }
    const read = (history: LogHistory["Type"], key: HistoryKey, query: HistoryQuery = {}) =>
      Effect.map(Stream.runCollect(history.read(key, query)), (parts) => [...parts].flat())

    it("gives every line once and in order, however they were cut into chunks, and the last of them by tail", async () => {
      let turn = 0
      const drawn = fc.array(
        fc.record({
          t: fc.integer({ min: 0, max: 40 }).map((_) => timeOf(noon + _ * 3_600_000)),
          n: fc.integer({ min: 0, max: 2 }),
          pod: fc.constantFrom("a", "b", "c"),
          chunks: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 3 })
        }),
        { maxLength: 40 }
      )
      await using({}, (history) =>
        Effect.promise(() =>
          fc.assert(
            fc.asyncProperty(drawn, fc.nat(45), async (lines, tail) => {
              const key = keyOf("a", `turn-${turn++}`)
              const of = new Map<string, LogLine>()
              const chunks: Array<Array<LogLine>> = Array.from({ length: 6 }, () => [])
              for (const { chunks: places, n, pod, t } of lines) {
                const one = line(t, n, pod, `${pod} ${t} ${n} ü\n"\u0000`, `api-${pod}`)
                of.set(one.line, one)
                for (const place of places) chunks[place]?.push(one)
              }
              const all = [...of.values()].sort(compareLines)
              for (const chunk of chunks) await Effect.runPromise(history.write(key, chunk))
              expect(await Effect.runPromise(read(history, key))).toEqual(all)
              expect(await Effect.runPromise(read(history, key, { tail }))).toEqual(tail === 0 ? [] : all.slice(-tail))
              const since = all[Math.trunc(all.length / 2)]?.t ?? timeOf(noon)
              const query = { since, revision: "api-b" }
              const wanted = all.filter(({ revision, t }) => t >= since && revision === "api-b")
              expect(await Effect.runPromise(read(history, key, query))).toEqual(wanted)
            }),
            { numRuns: runs }
          )
        )
      )
    })

    it("keeps positions, and organizations apart", async () => {
      const key = keyOf("b")
      await using({}, (history) =>
        Effect.gen(function* () {
          yield* history.write(key, numbered(0, 10))
          yield* history.savePositions(key, new Map([["uid-a", { t: timeOf(noon), n: 3 }]]))
        })
      )
      await using({}, (history) =>
        Effect.gen(function* () {
          expect(yield* history.positions(key)).toEqual(new Map([["uid-a", { t: timeOf(noon), n: 3 }]]))
          expect(yield* history.positions(keyOf("c"))).toEqual(new Map())
          expect(yield* read(history, keyOf("c"))).toEqual([])
          expect(yield* read(history, key)).toEqual(numbered(0, 10))
          for (const name of ["..", "../shop", "a/b", ""]) {
            const failed = yield* Effect.flip(history.write({ ...key, service: name }, numbered(0, 1)))
            expect(failed.message).toContain("cannot be the name")
          }
          yield* history.remove(key)
          expect(yield* read(history, key)).toEqual([])
        })
      )
    })

    it("forgets an organization with all that is kept of it, and no other", async () => {
      const organizations = [keyOf("1"), keyOf("2")]
      await using({}, (history) =>
        Effect.gen(function* () {
          for (const key of organizations) {
            yield* history.write(key, numbered(0, 10))
            yield* history.write({ ...key, service: "web" }, numbered(0, 10))
            yield* history.savePositions(key, new Map([["uid-a", { t: timeOf(noon), n: 3 }]]))
          }
          const [own, other] = [organizations[0] ?? keyOf("1"), organizations[1] ?? keyOf("2")]
          expect(yield* history.count(own.organizationId)).toBe(3)
          expect((yield* history.services(own.organizationId)).map((_) => _.service)).toEqual(["api", "web"])
          yield* history.removeAll(own.organizationId)
          expect(yield* history.count(own.organizationId)).toBe(0)
          expect(yield* history.services(own.organizationId)).toEqual([])
          expect(yield* history.count(other.organizationId)).toBe(3)
          yield* history.removeAll(own.organizationId)
        })
      )
    })

    it("removes what is too old or too much, oldest first, only of those it owns, and tells it", async () => {
      const old = keyOf("d")
      const large = keyOf("e")
      const foreign = keyOf("f")
      const now = Date.now()
      await using({ retention: { days: 7, bytesPerOrganization: 2 ** 20 } }, (history) =>
        Effect.gen(function* () {
          for (const key of [old, foreign]) {
            yield* history.write(key, numbered(0, 100, now - 9 * day))
            yield* history.write(key, numbered(0, 100, now - day))
          }
          yield* history.retain((id) => id === old.organizationId)
          expect(yield* read(history, old)).toEqual(numbered(0, 100, now - day))
          expect((yield* read(history, foreign)).length).toBe(200)
          expect(yield* history.cut(foreign)).toBeUndefined()
          const cut = yield* history.cut(old)
          expect(cut?.reason).toBe("days")
          expect((cut?.before ?? "") > timeOf(now - 9 * day + 99_000)).toBe(true)
          expect((cut?.before ?? "") < timeOf(now - day)).toBe(true)
        })
      )
      await using({ retention: { days: 7, bytesPerOrganization: 800 } }, (history) =>
        Effect.gen(function* () {
          for (let i = 0; i < 5; i++) yield* history.write(large, numbered(i * 100, i * 100 + 100, now - day))
          yield* history.retain((id) => id === large.organizationId)
          const left = yield* read(history, large)
          expect(left.length).toBeGreaterThan(0)
          expect(left.length).toBeLessThan(500)
          expect(left).toEqual(numbered(500 - left.length, 500, now - day))
          expect((yield* history.cut(large))?.reason).toBe("bytes")
        })
      )
    })
  })
})

it("takes no unfinished file for a chunk, and names the folder that cannot be read", async () => {
  const directory = await mkdtemp(join(tmpdir(), "maxcloud-history-"))
  const key = keyOf("a")
  const runtime = ManagedRuntime.make(layerFolder({ directory }))
  const history = await runtime.runPromise(LogHistory)
  await runtime.runPromise(history.write(key, numbered(0, 3)))
  const place = join(directory, key.organizationId, "shop", "api", "2026-03-10")
  const [chunk = ""] = await readdir(place)
  await writeFile(join(place, ".writing-1"), "torn")
  const lines = Stream.runCollect(history.read(key, {}))
  expect([...(await runtime.runPromise(lines))].flat()).toHaveLength(3)
  await writeFile(join(place, chunk), "broken")
  const failed = await runtime.runPromise(Effect.flip(lines))
  expect(failed.message).toContain(directory)
  await runtime.dispose()
  await rm(directory, { recursive: true, force: true })
})
