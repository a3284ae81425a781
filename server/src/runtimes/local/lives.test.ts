import { afterEach, describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Option, Stream } from "effect"
import { makeFakeInstances } from "../../../test/local/fakeInstances.ts"
import { makeTestRuntime, manifestsOf } from "../../../test/local/testRuntime.ts"
import { type InstanceRecord, Runtime } from "../port/Runtime.ts"

const closers: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const start = () => {
  const fake = makeFakeInstances()
  const cloud = makeTestRuntime(fake.layer)
  closers.push(cloud.stop)
  /** The next records of instances, as a new listener receives them. */
  const next = (count: number) =>
    cloud.run(
      Effect.flatMap(Runtime, (runtime) => Stream.runCollect(Stream.take(runtime.instances, count))).pipe(
        Effect.map((found): ReadonlyArray<InstanceRecord> => [...found]),
        Effect.timeout("10 seconds"),
        Effect.forkDaemon
      )
    )
  return { cloud, fake, next }
}
const web = (image: string) =>
  manifestsOf([{ name: "web", image, cpu: "250m", memory: "128Mi", scale: { min: 1, max: 1 } }])

describe("lives of instances", () => {
  it("are reported at their start and end, with what they have reserved", async () => {
    const { cloud, fake, next } = start()
    const fiber = await next(3)
    const before = Date.now()
    await cloud.apply(web("a:1"))
    await cloud.until("web", (each) => each.state === "ready")
    await fake.kill(fake.running()[0]?.id ?? "")
    const [begun, ended, second] = await cloud.run(Fiber.join(fiber))
    expect(begun).toMatchObject({ revision: "web-00001", endedAt: null, cpuMilli: 250 })
    expect(begun?.memoryBytes).toBe(128 * 2 ** 20)
    expect(begun?.key.service).toBe("web")
    expect(begun?.startedAt.getTime() ?? 0).toBeGreaterThanOrEqual(before)
    expect(ended?.uid).toBe(begun?.uid)
    expect(ended?.startedAt.getTime()).toBe(begun?.startedAt.getTime())
    expect(ended?.endedAt).not.toBeNull()
    expect(second?.uid).not.toBe(begun?.uid)
    expect(second?.endedAt).toBeNull()
  })

  it("of running instances are reported to later listeners, and none that have ended", async () => {
    const { cloud, fake, next } = start()
    await cloud.apply(web("a:1"))
    await cloud.until("web", (each) => each.state === "ready")
    await fake.kill(fake.running()[0]?.id ?? "")
    await cloud.until("web", (each) => each.instances === 1 && each.state === "ready")
    const [only] = await cloud.run(Fiber.join(await next(1)))
    expect(only?.uid).toBe(fake.running()[0]?.id)
    expect(only?.endedAt).toBeNull()
  })

  it("that end on their own are reported as restarts, and those that we stop aren't", async () => {
    const { cloud, fake } = start()
    const fiber = await cloud.run(
      Effect.flatMap(Runtime, (runtime) => Stream.runHead(runtime.happenings)).pipe(
        Effect.timeout("10 seconds"),
        Effect.forkDaemon
      )
    )
    await cloud.apply(web("a:1"))
    await cloud.until("web", (each) => each.state === "ready")
    await cloud.apply(web("a:2"))
    await cloud.until("web", (each) => each.latestReadyRevision === "web-00002" && each.instances === 1)
    const id = fake.running()[0]?.id ?? ""
    await fake.kill(id)
    const happened = Option.getOrThrow(await cloud.run(Fiber.join(fiber)))
    expect(happened).toMatchObject({
      type: "instance.restarted",
      id: `${id}/ended`,
      facts: { revision: "web-00002", instance: id, reason: "Failed" }
    })
    expect(happened.key.service).toBe("web")
  })

  it("end when the service is removed", async () => {
    const { cloud, next } = start()
    await cloud.apply(web("a:1"))
    await cloud.until("web", (each) => each.state === "ready")
    const fiber = await next(2)
    await cloud.remove(web("a:1"))
    const [runs, ended] = await cloud.run(Fiber.join(fiber))
    expect(ended?.uid).toBe(runs?.uid)
    expect(ended?.endedAt).not.toBeNull()
  })
})
