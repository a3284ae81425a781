import { createServer } from "node:net"
import { afterEach, beforeEach, describe, expect, it, vi } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Deferred, Effect, FiberId } from "effect"
import type { Instance, InstanceExit, InstanceFailed } from "../instances/Instance.ts"
import { defaultBackoff, restartBackoffMs } from "./backoff.ts"
import { firstSecondsMs } from "./failures.ts"
import { makeRevisionRunner, type RevisionRunner } from "./RevisionRunner.ts"

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] }))
afterEach(() => void vi.useRealTimers())

/** Lets pending promises and sockets continue; the clock stands still. */
const settle = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

interface Started {
  readonly die: () => void
}

/** A runner of fake instances: they accept connections until they die, and then nothing listens on their port. */
const makeRunner = async (build: Effect.Effect<void> = Effect.void) => {
  const server = createServer((socket) => socket.destroy())
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resolve(typeof address === "object" && address !== null ? address.port : 0)
    })
  )
  await new Promise((resolve) => server.close(resolve))
  const started: Array<Started> = []
  const lines: Array<string> = []
  let failures = 0
  const start = ({ id }: { readonly id: string }): Effect.Effect<Instance, InstanceFailed> =>
    Effect.gen(function* () {
      yield* Effect.interruptible(build)
      const ready = yield* Deferred.make<void, InstanceFailed>()
      const exited = yield* Deferred.make<InstanceExit>()
      yield* Deferred.succeed(ready, undefined)
      const end = (wanted: boolean) => {
        Deferred.unsafeDone(exited, Effect.succeed({ code: 3, signal: null, outOfMemory: false, wanted }))
      }
      started.push({ die: () => end(false) })
      return { id, host: "127.0.0.1", port, ready, exited, isReady: () => true, stop: Effect.sync(() => end(true)) }
    })
  const unused = () => Effect.die("unused")
  const runner: RevisionRunner = makeRevisionRunner({
    revision: "web-00001",
    maxConcurrency: 0,
    drainMs: 0,
    removalDrainMs: 0,
    graceMs: 0,
    backoff: defaultBackoff,
    instances: {
      start,
      isWhole: unused,
      missing: unused,
      standInOf: () => undefined,
      containerHost: unused,
      removeNamespace: unused,
      clean: Effect.succeed(0)
    },
    spec: Effect.succeed({
      organizationId: OrganizationId.make(`org_${"a".repeat(32)}`),
      namespace: "local",
      service: "web",
      revision: "web-00001",
      program: { kind: "directory", directory: "/" },
      command: undefined,
      args: undefined,
      port: 80,
      env: new Map(),
      files: new Map(),
      cpuMilli: 1,
      memoryBytes: 1,
      startup: undefined,
      readiness: undefined,
      liveness: undefined,
      graceMs: 0,
      startDeadlineMs: 1_000
    }),
    writer: () => ({ write: () => {}, system: (line) => lines.push(line), close: () => Promise.resolve() }),
    fork: (effect) => Effect.runFork(effect),
    onRoom: () => {},
    onLaunched: () => {},
    onChange: () => {},
    onFailure: () => failures++,
    onBuild: () => {},
    onPull: () => {},
    apart: (effect) => effect
  })
  return { runner, started, lines, failures: () => failures }
}

describe("an instance that dies", () => {
  it("counts as one failure, even if a dropped request had caused a check", async () => {
    const { failures, lines, runner, started } = await makeRunner()
    runner.scaleTo(1)
    await settle()
    expect(runner.ready()).toBe(1)
    // The proxy reports it first, because its connection ends before the process is collected.
    const lease = runner.pool.take()
    lease?.failed()
    lease?.release()
    await settle()
    started[0]?.die()
    await settle()
    expect([failures(), runner.failure()?.reason, runner.failure()?.count]).toEqual([1, "CrashOnStart", 1])
    // Longer than an instance is checked.
    for (let second = 0; second < 20; second++) {
      vi.advanceTimersByTime(1_000)
      await settle()
    }
    expect([failures(), runner.ready(), started.length]).toEqual([1, 1, 2])
    expect(lines).toEqual(["the program ended with exit code 3, 0.1 s after it was ready; retrying in 0.1 s"])
    await runner.stop(0)
  })

  it("isn't forgotten before another has outlived its first seconds", async () => {
    const { runner, started } = await makeRunner()
    runner.scaleTo(1)
    await settle()
    started[0]?.die()
    await settle()
    vi.advanceTimersByTime(100)
    await settle()
    expect([runner.ready(), runner.proved(), runner.failure()?.count]).toEqual([1, 0, 1])
    vi.advanceTimersByTime(firstSecondsMs - 1)
    await settle()
    expect([runner.proved(), runner.failure()?.count]).toEqual([0, 1])
    vi.advanceTimersByTime(1)
    await settle()
    expect([runner.ready(), runner.proved(), runner.failure()]).toEqual([1, 1, undefined])
    await runner.stop(0)
  })

  it("is replaced after 100 ms, and ever later while its successors die too", async () => {
    const { runner, started } = await makeRunner()
    runner.scaleTo(1)
    await settle()
    const waits: Array<number> = []
    for (let death = 0; death < 6; death++) {
      started.at(-1)?.die()
      await settle()
      const before = started.length
      let waited = 0
      for (; started.length === before && waited < 10_000; waited += 50) {
        vi.advanceTimersByTime(50)
        await settle()
      }
      waits.push(waited)
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200])
    // An instance that served for a while starts the count again.
    vi.advanceTimersByTime(defaultBackoff.resetAfterMs)
    started.at(-1)?.die()
    await settle()
    expect(runner.failure()?.count).toBe(1)
    await runner.stop(0)
  })

  it.each([-3_600_000, 3_600_000, 86_400_000, 2 * 365 * 86_400_000])(
    "is replaced on time, though the wall clock is moved by %i ms meanwhile",
    async (step) => {
      const { runner, started } = await makeRunner()
      runner.scaleTo(1)
      await settle()
      for (const count of [1, 2]) {
        started.at(-1)?.die()
        await settle()
        vi.setSystemTime(Date.now() + step)
        vi.advanceTimersByTime(100 * count - 1)
        await settle()
        expect([started.length, runner.failure()?.count]).toEqual([count, count])
        vi.advanceTimersByTime(1)
        await settle()
        expect([started.length, runner.ready()]).toEqual([count + 1, 1])
      }
      vi.advanceTimersByTime(firstSecondsMs)
      await settle()
      expect([runner.proved(), runner.failure()]).toEqual([1, undefined])
      await runner.stop(0)
    }
  )
})

describe("the wait between failures", () => {
  it("doubles up to five minutes, and starts with seconds if another attempt can't help", () => {
    const waits = Array.from({ length: 20 }, (_, i) => restartBackoffMs(defaultBackoff, i + 1, true))
    expect(waits.slice(0, 4)).toEqual([100, 200, 400, 800])
    expect(waits.at(-1)).toBe(300_000)
    for (let i = 1; i < waits.length; i++) expect(waits[i]).toBeGreaterThanOrEqual(waits[i - 1] ?? 0)
    expect(restartBackoffMs(defaultBackoff, 2, false)).toBe(12_800)
    expect(restartBackoffMs(defaultBackoff, 1_000, false)).toBe(300_000)
  })
})

describe("a build before the start", () => {
  it("continues if no instance is wanted for now, and ends with the revision", async () => {
    const built = Deferred.unsafeMake<void>(FiberId.none)
    let calledOff = 0
    for (const isBuilt of [true, false]) {
      const build = isBuilt ? Deferred.await(built) : Effect.never
      const told = Effect.onInterrupt(build, () => Effect.sync(() => calledOff++))
      const { failures, runner, started } = await makeRunner(told)
      runner.scaleTo(1)
      await settle()
      runner.scaleTo(0)
      await settle()
      expect([calledOff, runner.all()]).toEqual([0, 1])
      if (isBuilt) Deferred.unsafeDone(built, Effect.void)
      await settle()
      await runner.stop(0)
      expect([calledOff, started.length, runner.all(), failures()]).toEqual(isBuilt ? [0, 1, 0, 0] : [1, 0, 0, 0])
    }
  })
})
