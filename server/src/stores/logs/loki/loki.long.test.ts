import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, ManagedRuntime, Schedule, Stream } from "effect"
import { freePort } from "../../../../test/freePort.ts"
import { type Backend, describeHistory, keyOf, line, noon, numbered } from "../../../../test/logs/historyContract.ts"
import { type HistoryKey, type HistoryQuery, LogHistory } from "../LogHistory.ts"
import { type LogLine, timeOf } from "../LogLine.ts"
import { layerLoki } from "./lokiHistory.ts"

const installed = spawnSync("loki", ["-version"]).error === undefined
if (!installed) console.warn("Not run here: kept lines in Loki (missing: loki)")

const settings = (folder: string, port: number, grpcPort: number, auth: boolean) => `
auth_enabled: ${auth}
server: { http_listen_address: 127.0.0.1, http_listen_port: ${port}, grpc_listen_address: 127.0.0.1, grpc_listen_port: ${grpcPort}, log_level: error }
common:
  instance_addr: 127.0.0.1
  path_prefix: ${folder}
  replication_factor: 1
  ring: { instance_addr: 127.0.0.1, kvstore: { store: inmemory } }
  storage: { filesystem: { chunks_directory: ${folder}/chunks, rules_directory: ${folder}/rules } }
schema_config:
  configs: [{ from: 2020-10-24, store: tsdb, object_store: filesystem, schema: v13, index: { prefix: index_, period: 24h } }]
# Lines of days ago are read at once, not when their chunk is written.
ingester: { query_store_max_look_back_period: -1ns }
compactor: { working_directory: ${folder}/compactor, retention_enabled: true, delete_request_store: filesystem }
limits_config: { retention_period: 1w, max_line_size: 8KB, max_entries_limit_per_query: 500, split_queries_by_interval: 24h }
analytics: { reporting_enabled: false }
`

class Loki {
  readonly url: string
  readonly folder: string
  #child: ChildProcess | undefined

  constructor(url: string, folder: string) {
    this.url = url
    this.folder = folder
  }

  static async make(auth: boolean): Promise<Loki> {
    const folder = await mkdtemp(join(tmpdir(), "maxcloud-loki-"))
    const port = await freePort()
    await writeFile(join(folder, "loki.yaml"), settings(folder, port, await freePort(), auth))
    const loki = new Loki(`http://127.0.0.1:${port}`, folder)
    await loki.start()
    return loki
  }

  async start(): Promise<void> {
    const child = spawn("loki", [`-config.file=${this.folder}/loki.yaml`, "-target=all"], {
      stdio: ["ignore", "inherit", "inherit"]
    })
    this.#child = child
    for (;;) {
      if (child.exitCode !== null) throw new Error(`loki ended with exit code ${child.exitCode}`)
      const ready = await fetch(`${this.url}/ready`).then(
        (found) => found.ok,
        () => false
      )
      if (ready) return
      await sleep(200)
    }
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null) return
    const ended = once(child, "exit")
    child.kill("SIGTERM")
    await ended
  }

  async end(): Promise<void> {
    await this.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}

const open = (auth: boolean, tenant: string | undefined) => async (): Promise<Backend> => {
  const loki = await Loki.make(auth)
  return { layer: () => layerLoki({ loki: { url: loki.url, tenant } }), end: () => loki.end() }
}

const places = [
  { name: "Loki, without tenants", open: open(false, undefined) },
  { name: "Loki, in one tenant", open: open(true, "maxcloud") },
  { name: "Loki, each organization in a tenant of its own", open: open(true, "maxcloud-{organization}") }
]
for (const place of places) {
  describeHistory({ ...place, runs: 8, left: !installed, objects: 2, ownRetention: false, removal: "later" })
}

describe.skipIf(!installed)("lines in a real Loki", () => {
  let loki: Loki
  beforeAll(async () => {
    loki = await Loki.make(true)
  })
  afterAll(() => loki.end())

  const using = async <A>(use: (history: LogHistory["Type"]) => Effect.Effect<A, unknown>) => {
    const runtime = ManagedRuntime.make(layerLoki({ loki: { url: loki.url, tenant: "shared" } }))
    try {
      return await runtime.runPromise(Effect.flatMap(LogHistory, use))
    } finally {
      await runtime.dispose()
    }
  }
  const read = (history: LogHistory["Type"], key: HistoryKey, query: HistoryQuery = {}) =>
    Effect.map(Stream.runCollect(history.read(key, query)), (parts) => [...parts].flat())

  it("are read page by page over more equal times than a page has", () =>
    using((history) =>
      Effect.gen(function* () {
        const key = keyOf("a")
        const lines: ReadonlyArray<LogLine> = [
          ...numbered(0, 700),
          ...Array.from({ length: 2600 }, (_, n) => line(timeOf(noon + 700_000), n, "a", "the same")),
          ...numbered(701, 900)
        ]
        yield* history.write(key, lines)
        expect(yield* read(history, key)).toEqual(lines)
        expect(yield* read(history, key, { tail: 600 })).toEqual(lines.slice(-600))
      })
    ))

  it("are never another organization's, whatever the request", () =>
    using((history) =>
      Effect.gen(function* () {
        const [own, other] = [keyOf("b"), keyOf("c")]
        yield* history.write(other, numbered(0, 5))
        yield* history.write(own, numbered(0, 1, noon, "own"))
        const hostile = [
          `x" or organization="${other.organizationId}`,
          `"} or {organization="${other.organizationId}"}`,
          `api-00001" or n>=0 or revision="`,
          "x`",
          "\n| line_format `{{.organization}}`",
          "\\",
          '\\"',
          "\ud800",
          ".*",
          ""
        ]
        for (const revision of hostile) {
          expect(yield* read(history, own, { revision })).toEqual([])
          expect(yield* read(history, own, { revision, tail: 5 })).toEqual([])
        }
        expect((yield* read(history, own)).map((each) => each.instance)).toEqual(["own"])
      })
    ))

  it("are stored if they come hours after newer ones, have any text, or are too long, up to the limit", () =>
    using((history) =>
      Effect.gen(function* () {
        const key = keyOf("d")
        const newer = numbered(0, 10, noon + 6 * 3_600_000)
        const older = numbered(0, 5000, noon - 3_600_000, "late")
        yield* history.write(key, newer)
        yield* history.write(key, older)
        expect(yield* read(history, key)).toEqual([...older, ...newer])

        const texts = ["", " ", "\u0000\u0007", '{"level":"error"}', "ü😀\u2028", "\\n", "\t\r", "�"]
        const odd = texts.map((text, n) => line(timeOf(noon), n, "odd", text))
        const long = line(timeOf(noon + 1), 0, "odd", "é".repeat(8000))
        const tooOld = line(timeOf(noon - 30 * 86_400_000), 0, "odd", "too old")
        const oddKey = keyOf("d", "odd")
        yield* history.write(oddKey, [tooOld, ...odd, long, line(timeOf(noon + 2), 0, "odd", "after")])
        const kept = yield* read(history, oddKey)
        expect(kept.slice(0, odd.length)).toEqual(odd)
        const [cut, after, ...more] = kept.slice(odd.length)
        expect(cut?.truncated).toBe(true)
        expect(cut?.line).toBe("é".repeat(cut?.line.length ?? 0))
        expect(cut?.line.length).toBeGreaterThan(1000)
        expect([after?.line, more]).toEqual(["after", []])
      })
    ))

  it("are reported as cut if Loki's own retention has removed some", () =>
    using((history) =>
      Effect.gen(function* () {
        const cut = yield* history.cut(keyOf("e"))
        expect(Math.abs(Date.parse(cut?.before ?? "") - (Date.now() - 7 * 86_400_000))).toBeLessThan(60_000)
        expect(history.days).toBe(7)
      })
    ))

  it(
    "wait while Loki is unreachable, and an erasure ends when it returns nothing more",
    () =>
      using((history) =>
        Effect.gen(function* () {
          const [own, other] = [keyOf("1"), keyOf("2")]
          yield* history.write(own, numbered(0, 10))
          yield* history.savePositions(own, new Map([["uid-a", { t: timeOf(noon), n: 3 }]]))
          yield* history.write(other, numbered(0, 10))
          yield* Effect.promise(() => loki.stop())
          const failed = yield* Effect.flip(history.write(own, numbered(10, 20)))
          expect(failed.message).toContain("it doesn't answer")
          yield* Effect.promise(() => loki.start())
          yield* Effect.retry(
            history.write(own, numbered(10, 20)),
            Schedule.upTo(Schedule.spaced("200 millis"), "30 seconds")
          )
          expect(yield* read(history, own)).toEqual(numbered(0, 20))

          // A querier learns of a deletion within five minutes, or when it starts.
          const erasing = yield* Effect.fork(history.removeAll(own.organizationId))
          yield* Effect.sleep("2 seconds")
          yield* Effect.promise(() => loki.stop())
          yield* Effect.promise(() => loki.start())
          yield* Effect.ignore(Fiber.join(erasing))
          yield* Effect.retry(history.removeAll(own.organizationId), { times: 3 })
          expect(yield* read(history, own)).toEqual([])
          expect(yield* history.positions(own)).toEqual(new Map())
          expect(yield* history.count(own.organizationId)).toBe(0)
          expect(yield* history.services(own.organizationId)).toEqual([])
          expect(yield* read(history, other)).toEqual(numbered(0, 10))
        })
      ),
    120_000
  )
})
