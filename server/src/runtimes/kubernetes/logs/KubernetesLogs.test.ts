import { randomBytes } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, vi } from "@effect/vitest"
import { AppName, OrganizationName, ServiceName, StageName } from "@maxcloud/config-schema"
import { type LogEntry, OrganizationId } from "@maxcloud/sdk/api"
import { Context, Effect, Fiber, Layer, Schedule, Stream } from "effect"
import { FakeKubelet } from "../../../../test/kubernetes/fakeKubelet.ts"
import { randomOf } from "../../../../test/randomOf.ts"
import { LogHistory, layerFolder } from "../../../stores/logs/LogHistory.ts"
import type { LogQuery, ServiceKey } from "../../port/Runtime.ts"
import { KubernetesLogs } from "./KubernetesLogs.ts"
import * as LogCollector from "./LogCollector.ts"

const key: ServiceKey = {
  organizationId: OrganizationId.make(`org_${randomBytes(16).toString("hex")}`),
  organization: OrganizationName.make("shop"),
  app: AppName.make("shop"),
  stage: StageName.make("production"),
  namespace: "shop",
  service: ServiceName.make("writer")
}
const queryOf = (options: Partial<LogQuery> = {}): LogQuery => ({
  key,
  follow: false,
  since: undefined,
  revision: undefined,
  tail: undefined,
  after: undefined,
  ...options
})

/** `written`: what the history's writes wait for. */
const layersFor = (kubelet: FakeKubelet, collect: boolean, written: Effect.Effect<void> = Effect.void) =>
  Layer.unwrapScoped(
    Effect.map(
      Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "maxcloud-history-"))),
        (found) => Effect.promise(() => rm(found, { recursive: true, force: true }))
      ),
      (directory) =>
        Layer.mergeAll(KubernetesLogs.layer, collect ? LogCollector.layer({ flushMillis: 150 }) : Layer.empty).pipe(
          Layer.provideMerge(
            Layer.map(layerFolder({ directory, retention: { days: 7 } }), (context) => {
              const history = Context.get(context, LogHistory)
              const write: typeof history.write = (...lines) => Effect.zipRight(written, history.write(...lines))
              return Context.add(context, LogHistory, { ...history, write })
            })
          ),
          Layer.provideMerge(kubelet.layer)
        )
    )
  )

const when = (holds: () => boolean) =>
  Effect.repeat(Effect.sync(holds), { until: (found) => found, schedule: Schedule.spaced("10 millis") }).pipe(
    Effect.timeout("20 seconds")
  )

const byInstance = (entries: ReadonlyArray<LogEntry>) => {
  const found: Record<string, Array<string>> = {}
  for (const { instance, line } of entries) {
    found[instance] ??= []
    found[instance].push(line)
  }
  return found
}
const all = (query: LogQuery) =>
  Effect.flatMap(KubernetesLogs, (logs) => Effect.map(Stream.runCollect(logs.read(query)), (found) => [...found]))

/**
 * Whatever pods do, a reader that is interrupted anywhere gets each line once, in its instance's order, and so does the history.
 */
const story = (seed: number) => {
  const random = randomOf(seed)
  const pick = (count: number) => Math.trunc(random() * count)
  const kubelet = new FakeKubelet(key, random)
  return Effect.gen(function* () {
    const logs = yield* KubernetesLogs
    const history = yield* LogHistory
    const written: Record<string, Array<string>> = {}
    const write = (name: string, count: number) => {
      const lines = written[name] ?? []
      const texts = Array.from({ length: count }, (_, i) => `${name} ${lines.length + i}`)
      written[name] = [...lines, ...texts]
      kubelet.write(name, texts)
    }
    const got: Array<LogEntry> = []
    const reader = yield* Effect.forkScoped(
      Effect.suspend(() =>
        logs.read(queryOf({ follow: true, after: got.at(-1)?.cursor })).pipe(
          Stream.take(1 + pick(60)),
          Stream.runForEach((entry) => Effect.sync(() => got.push(entry))),
          Effect.ignore
        )
      ).pipe(Effect.forever)
    )
    const alive: Array<string> = []
    const removed = (name: string) =>
      Effect.sleep("1500 millis").pipe(
        Effect.zipRight(when(() => kubelet.isRead(name))),
        Effect.zipRight(Effect.sync(() => kubelet.remove(name)))
      )
    const crashedAt = new Map<string, number>()
    for (let step = 0, next = 0; step < 60; step++) {
      const name = alive[pick(alive.length)]
      const chance = random()
      if (name === undefined || (chance < 0.1 && alive.length < 4)) {
        const fresh = `pod${next++}`
        alive.push(fresh)
        kubelet.start(fresh)
        write(fresh, pick(5))
      } else if (chance < 0.85) write(name, 1 + pick(20))
      else if (chance < 0.93) {
        // A container that crashes again waits ten seconds, so only one run before the current one can be read.
        if (Date.now() - (crashedAt.get(name) ?? 0) < 2_000 || !kubelet.isRead(name)) continue
        crashedAt.set(name, Date.now())
        kubelet.crash(name)
      } else {
        alive.splice(alive.indexOf(name), 1)
        kubelet.end(name)
        yield* Effect.forkScoped(removed(name))
      }
      yield* Effect.sleep(pick(40))
    }
    for (const name of alive) kubelet.end(name)
    yield* Effect.forEach(alive, removed, { concurrency: "unbounded" })
    const wanted = Object.fromEntries(Object.entries(written).filter(([, lines]) => lines.length > 0))
    const total = Object.values(wanted).flat().length
    const complete = Effect.map(
      Stream.runFold(history.read(key, {}), 0, (sum, lines) => sum + lines.length),
      (kept) => kept >= total && got.length >= total
    )
    yield* Effect.repeat(complete, { until: (value) => value, schedule: Schedule.spaced("100 millis") }).pipe(
      Effect.timeoutOption("10 seconds")
    )
    yield* Fiber.interrupt(reader)
    expect([seed, byInstance(got)]).toEqual([seed, wanted])
    const kept = yield* all(queryOf())
    expect(byInstance(kept)).toEqual(wanted)
    expect(kept.map(({ at }) => at)).toEqual(kept.map(({ at }) => at).toSorted())
    const cut = kept[pick(kept.length)]
    const rest = yield* all(queryOf({ after: cut?.cursor }))
    expect(rest.map(({ line }) => line)).toEqual(
      kept.slice(kept.findIndex((value) => value === cut) + 1).map(({ line }) => line)
    )
    expect((yield* all(queryOf({ tail: 7 }))).map(({ line }) => line)).toEqual(kept.slice(-7).map(({ line }) => line))
  }).pipe(Effect.scoped, Effect.provide(layersFor(kubelet, true)))
}

describe("KubernetesLogs", () => {
  it.live("gives each line once and in order, whatever pods and connections do, and wherever it resumes", () =>
    Effect.forEach(
      Array.from({ length: 6 }, (_, i) => i + 1),
      story,
      { concurrency: "unbounded", discard: true }
    )
  )

  it.live("starts with the requested lines, live and without a collector", () => {
    const kubelet = new FakeKubelet(key, () => 0.9)
    return Effect.gen(function* () {
      kubelet.start("a")
      kubelet.start("b")
      for (let i = 0; i < 200; i++) kubelet.write(i % 2 === 0 ? "a" : "b", [`line ${i}`])
      const lines = (options: Partial<LogQuery>) =>
        Effect.map(all(queryOf(options)), (entries) => entries.map(({ line }) => line))
      const numbered = (from: number) => Array.from({ length: 200 - from }, (_, i) => `line ${from + i}`)
      expect((yield* lines({})).toSorted()).toEqual(numbered(0).toSorted())
      expect((yield* lines({ tail: 10 })).length).toBe(10)
      expect(yield* lines({ tail: 0 })).toEqual([])
      expect(yield* lines({ revision: "writer-00002" })).toEqual([])
      expect(yield* lines({ since: Date.now() + 60_000 })).toEqual([])
      const refused = yield* Effect.flip(all(queryOf({ after: "12-34" })))
      expect(refused.reason).toBe("refused")
    }).pipe(Effect.scoped, Effect.provide(layersFor(kubelet, false)))
  })

  it.live("continues for one reader while another is stuck", () => {
    const kubelet = new FakeKubelet(key, () => 0.9)
    return Effect.gen(function* () {
      const logs = yield* KubernetesLogs
      kubelet.start("a")
      yield* Effect.forkScoped(Stream.runForEach(logs.read(queryOf({ follow: true })), () => Effect.never))
      let got = 0
      const reader = yield* Effect.fork(
        logs.read(queryOf({ follow: true })).pipe(
          Stream.tap(() => Effect.sync(() => got++)),
          Stream.take(20_000),
          Stream.runDrain
        )
      )
      for (let i = 0; i < 20; i++) {
        kubelet.write(
          "a",
          Array.from({ length: 1_000 }, (_, n) => `${i} ${n}`)
        )
        yield* Effect.sleep(1)
      }
      yield* Fiber.join(reader)
      expect(got).toBe(20_000)
    }).pipe(Effect.scoped, Effect.provide(layersFor(kubelet, true)))
  })

  it.live("reads an instance once for five followers and the collector, and gives each of them every line", () => {
    const kubelet = new FakeKubelet(key, () => 0.9)
    return Effect.gen(function* () {
      const logs = yield* KubernetesLogs
      kubelet.start("a")
      const followers = Array.from({ length: 5 }, (): Array<string> => [])
      for (const got of followers) {
        const read = Stream.runForEach(logs.read(queryOf({ follow: true })), ({ line }) =>
          Effect.sync(() => got.push(line))
        )
        yield* Effect.forkScoped(read)
      }
      const arrived = (count: number) =>
        Effect.repeat(
          Effect.sync(() => followers.every(({ length }) => length >= count)),
          { until: (all) => all, schedule: Schedule.spaced("10 millis") }
        ).pipe(Effect.timeout("20 seconds"))
      kubelet.write("a", ["first"])
      yield* arrived(1)
      const texts = Array.from({ length: 50_000 }, (_, n) => `line ${n}`)
      let most = 0
      for (let n = 0; n < texts.length; n += 1_000) {
        kubelet.write("a", texts.slice(n, n + 1_000))
        most = Math.max(most, kubelet.following)
        yield* Effect.sleep(1)
      }
      yield* arrived(1 + texts.length)
      expect(most).toBe(1)
      for (const got of followers) expect(got).toEqual(["first", ...texts])
    }).pipe(Effect.scoped, Effect.provide(layersFor(kubelet, true)))
  })

  it.live("gives a follower that stopped reading its own stream, and takes it back when it has caught up", () => {
    const kubelet = new FakeKubelet(key, () => 0.9)
    return Effect.gen(function* () {
      const logs = yield* KubernetesLogs
      kubelet.start("a")
      kubelet.write("a", ["first"])
      const may = yield* Effect.makeLatch(false)
      const slow: Array<string> = []
      const fast: Array<string> = []
      yield* Effect.forkScoped(
        Stream.runForEach(logs.read(queryOf({ follow: true })), ({ line }) =>
          Effect.zipRight(
            slow.length === 0 ? Effect.void : may.await,
            Effect.sync(() => slow.push(line))
          )
        )
      )
      yield* Effect.forkScoped(
        Stream.runForEach(logs.read(queryOf({ follow: true })), ({ line }) => Effect.sync(() => fast.push(line)))
      )
      yield* when(() => slow.length === 1 && fast.length === 1)
      const texts = Array.from({ length: 60_000 }, (_, n) => `line ${n}`)
      for (let n = 0; n < texts.length; n += 500) {
        kubelet.write("a", texts.slice(n, n + 500))
        yield* Effect.sleep(1)
      }
      yield* when(() => fast.length === 1 + texts.length)
      expect(slow.length).toBe(1)
      const before = kubelet.followed
      yield* may.open
      yield* when(() => slow.length === 1 + texts.length)
      kubelet.write("a", ["last"])
      yield* when(() => kubelet.following === 1 && slow.at(-1) === "last" && fast.at(-1) === "last")
      expect(kubelet.followed).toBe(before + 1)
      expect(slow).toEqual(["first", ...texts, "last"])
      expect(fast).toEqual(slow)
    }).pipe(Effect.scoped, Effect.provide(layersFor(kubelet, true)))
  })

  /** One instance writes much, and is deleted while a reader lags. */
  const gone = (kubelet: FakeKubelet, got: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      yield* when(() => got.length === 1)
      const texts = Array.from({ length: 60_000 }, (_, n) => `line ${n}`)
      for (let n = 0; n < texts.length; n += 500) {
        kubelet.write("a", texts.slice(n, n + 500))
        yield* Effect.sleep(1)
      }
      yield* when(() => got.length === 1 + texts.length)
      kubelet.end("a")
      kubelet.remove("a")
      return ["first", ...texts]
    })

  const stored = (history: LogHistory["Type"], lines: number) =>
    Effect.repeat(
      Stream.runFold(history.read(key, {}), 0, (sum, { length }) => sum + length),
      { until: (count) => count >= lines, schedule: Schedule.spaced("100 millis") }
    ).pipe(Effect.timeout("20 seconds"))

  it.live("stores every line of an instance that is gone by the time that the history can be written", () => {
    const kubelet = new FakeKubelet(key, () => 0.9)
    const may = Effect.unsafeMakeLatch(false)
    return Effect.gen(function* () {
      const logs = yield* KubernetesLogs
      const history = yield* LogHistory
      const got: Array<string> = []
      kubelet.start("a")
      yield* when(() => kubelet.following === 1)
      kubelet.write("a", ["first"])
      yield* Effect.forkScoped(
        Stream.runForEach(logs.read(queryOf({ follow: true })), ({ line }) => Effect.sync(() => got.push(line)))
      )
      const wanted = yield* gone(kubelet, got)
      expect(got).toEqual(wanted)
      yield* may.open
      yield* stored(history, wanted.length)
      expect((yield* all(queryOf())).map(({ line }) => line)).toEqual(wanted)
    }).pipe(Effect.scoped, Effect.provide(layersFor(kubelet, true, may.await)))
  })

  it.live("reads the history for a slow follower whose instance is gone", () => {
    const kubelet = new FakeKubelet(key, () => 0.9)
    return Effect.gen(function* () {
      const logs = yield* KubernetesLogs
      const history = yield* LogHistory
      const may = yield* Effect.makeLatch(false)
      const slow: Array<string> = []
      const fast: Array<string> = []
      kubelet.start("a")
      kubelet.write("a", ["first"])
      for (const [got, waits] of [[slow, may.await] as const, [fast, Effect.void] as const]) {
        yield* Effect.forkScoped(
          Stream.runForEach(logs.read(queryOf({ follow: true })), ({ line }) =>
            Effect.zipRight(
              got.length === 0 ? Effect.void : waits,
              Effect.sync(() => got.push(line))
            )
          )
        )
      }
      yield* when(() => slow.length === 1)
      const wanted = yield* gone(kubelet, fast)
      yield* stored(history, wanted.length)
      yield* may.open
      yield* when(() => slow.length === wanted.length)
      expect(slow).toEqual(wanted)
    }).pipe(Effect.scoped, Effect.provide(layersFor(kubelet, true)))
  })

  it.live("doesn't name an idle instance in cursors once it has been silent for a while", () => {
    const kubelet = new FakeKubelet(key, () => 0.9)
    const now = performance.now.bind(performance)
    let later = 0
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + later)
    return Effect.gen(function* () {
      const logs = yield* KubernetesLogs
      kubelet.start("idle")
      kubelet.start("busy")
      yield* when(() => kubelet.following === 2)
      const got: Array<LogEntry> = []
      yield* Effect.forkScoped(
        Stream.runForEach(logs.read(queryOf({ follow: true })), (entry) => Effect.sync(() => got.push(entry)))
      )
      for (let count = 1; count <= 6; count++) {
        kubelet.write("busy", [`line ${count}`])
        yield* when(() => got.length === count)
        if (count === 3) {
          expect(got.at(-1)?.cursor).toContain(";idle00000000@")
          later = 9_000
        }
      }
      expect(got.at(-1)?.cursor).not.toContain(";idle00000000@")
    }).pipe(
      Effect.scoped,
      Effect.provide(layersFor(kubelet, true)),
      Effect.ensuring(Effect.sync(() => clock.mockRestore()))
    )
  })

  it.live("first reports what retention has deleted", () => {
    const kubelet = new FakeKubelet(key, () => 0.9)
    return Effect.gen(function* () {
      const history = yield* LogHistory
      const old = Date.now() - 9 * 86_400_000
      const line = (millis: number, text: string) => ({
        t: `${new Date(millis).toISOString().slice(0, -1)}000000Z`,
        n: 0,
        uid: "u",
        instance: "pod",
        revision: "writer-00001",
        line: text,
        truncated: false
      })
      yield* history.write(key, [line(old, "old")])
      yield* history.write(key, [line(Date.now() - 1000, "new")])
      yield* history.retain(() => true)
      const entries = yield* all(queryOf({ since: old - 1000 }))
      expect(entries.map(({ line, stream }) => [stream, line])).toEqual([
        ["system", expect.stringMatching(/^Lines before \d{4}-.*Z have been deleted \(after 7 days\)$/)],
        ["stdout", "new"]
      ])
      expect((yield* all(queryOf({ since: Date.now() - 60_000 }))).map(({ line }) => line)).toEqual(["new"])
      const rest = yield* all(queryOf({ since: old - 1000, after: entries[0]?.cursor }))
      expect(rest.map(({ line }) => line)).toEqual(["new"])
    }).pipe(Effect.scoped, Effect.provide(layersFor(kubelet, false)))
  })
})
