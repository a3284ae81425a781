import { afterEach, describe, expect, it } from "@effect/vitest"
import { crashes, makeFakeInstances } from "../../../test/local/fakeInstances.ts"
import { makeMemoryObjects, makeTestRuntime, manifestsOf, send, testKey } from "../../../test/local/testRuntime.ts"
import { InstanceFailed } from "./instances/Instance.ts"

const host = "web--shop--local.localhost"
const backoff = { baseMs: 20, maxMs: 50, resetAfterMs: 10_000 }
const web = (image: string) => manifestsOf([{ name: "web", image }])

const open: Array<{ readonly stop: () => Promise<void> }> = []
afterEach(async () => {
  for (const cloud of open.splice(0)) await cloud.stop()
})
const start = (...[layer, objects, options]: Parameters<typeof makeTestRuntime>) => {
  const cloud = makeTestRuntime(layer, objects, { backoff, ...options })
  open.push(cloud)
  return cloud
}

const registryAway = new InstanceFailed({
  reason: "RegistryUnreachable",
  message: "the registry r.example.com is unreachable",
  retryable: true
})

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe("a revision (on a fake of Instances)", () => {
  it("stays pending while its registry is unreachable, says why, and goes live when it can", async () => {
    const fake = makeFakeInstances()
    fake.programs.set("a:1", { failure: registryAway })
    const cloud = start(fake.layer)
    await cloud.apply(web("a:1"))
    const pending = await cloud.until(
      "web",
      (each) => each.diagnosis?.code === "RegistryUnreachable" && fake.started() > 5
    )
    expect(pending).toMatchObject({ state: "pending", terminal: false })
    fake.programs.delete("a:1")
    const after = await cloud.until("web", (each) => each.state !== "pending")
    expect(after).toMatchObject({ state: "ready", diagnosis: null })
  })

  it("never goes live on its own once it was abandoned, even if its registry is back: not after a restart, a recheck or a resume", async () => {
    const fake = makeFakeInstances()
    const objects = makeMemoryObjects()
    fake.programs.set("b:1", { failure: registryAway })
    const first = start(fake.layer, objects)
    await first.apply(web("a:1"))
    await first.until("web", (each) => each.state === "ready")
    await first.apply(web("b:1"))
    await first.until("web", (each) => each.diagnosis?.code === "RegistryUnreachable" && fake.started() > 4)
    await first.abandon("web")
    // Stored at once, because the server may stop now.
    expect(JSON.stringify([...objects.objects.values()])).toContain(
      '"ready":"False","reason":"ProgressDeadlineExceeded"'
    )
    const failed = await first.until("web", (each) => each.state === "failed")
    expect(failed).toMatchObject({ latestReadyRevision: "web-00001", latestCreatedRevision: "web-00002" })
    fake.programs.delete("b:1")
    const staysFailed = async (cloud: typeof first) => {
      const started = fake.started()
      await cloud.apply(web("b:1"), testKey(), "recheck")
      await pause(200)
      expect(fake.started()).toBe(started)
      expect(await cloud.status("web")).toMatchObject({ state: "failed", latestReadyRevision: "web-00001" })
    }
    await staysFailed(first)
    expect(await send(await first.route(host))).toBe("web-00001")
    await first.stop()
    open.pop()

    const second = start(fake.layer, objects)
    expect(await send(await second.route(host))).toBe("web-00001")
    await staysFailed(second)
    // A deployment tries it again.
    await second.apply(web("b:1"))
    await second.until("web", (each) => each.state === "ready" && each.latestReadyRevision === "web-00002")
    expect(await send(await second.route(host))).toBe("web-00002")
  })

  it("is retried for a few seconds if its program crashes, and then never again on its own", async () => {
    const fake = makeFakeInstances()
    fake.programs.set("bad:1", crashes)
    const cloud = start(fake.layer)
    const begun = performance.now()
    await cloud.apply(web("bad:1"))
    await cloud.until("web", (each) => each.state === "failed")
    expect(performance.now() - begun).toBeGreaterThanOrEqual(3_000)
    fake.programs.delete("bad:1")
    const started = fake.started()
    await pause(200)
    expect(fake.started()).toBe(started)
    expect(await cloud.status("web")).toMatchObject({ state: "failed", instances: 0 })
  })

  it("goes live if it only crashed at first, because it was missing something", async () => {
    const fake = makeFakeInstances()
    fake.programs.set("a:1", crashes)
    const cloud = start(fake.layer)
    await cloud.apply(web("a:1"))
    await cloud.until("web", () => fake.started() > 3)
    expect((await cloud.status("web"))?.state).toBe("pending")
    fake.programs.delete("a:1")
    expect((await cloud.until("web", (each) => each.state !== "pending")).state).toBe("ready")
  })

  it("isn't abandoned if it is ready", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer)
    await cloud.apply(web("a:1"))
    await cloud.until("web", (each) => each.state === "ready")
    await cloud.abandon("web")
    expect((await cloud.status("web"))?.state).toBe("ready")
    expect(await send(await cloud.route(host))).toBe("web-00001")
  })
})
