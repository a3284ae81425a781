import { afterEach, assert, describe, expect, it } from "@effect/vitest"
import { crashes, makeFakeInstances } from "../../../test/local/fakeInstances.ts"
import {
  makeMemoryObjects,
  makeTestRuntime,
  manifestsOf,
  send,
  testKey,
  withAnnotation
} from "../../../test/local/testRuntime.ts"
import { NoInstance } from "../../base/proxy/Route.ts"
import { InstanceFailed } from "./instances/Instance.ts"

const host = "web--shop--local.localhost"
const running: Array<{ readonly stop: () => Promise<void> }> = []
const start = (...parameters: Parameters<typeof makeTestRuntime>) => {
  const runtime = makeTestRuntime(...parameters)
  running.push(runtime)
  return runtime
}
afterEach(async () => {
  for (const runtime of running.splice(0)) await runtime.stop()
})

const web = (image: string, more: Readonly<Record<string, unknown>> = {}) =>
  manifestsOf([{ name: "web", image, ...more }])
const window = (manifests: ReturnType<typeof web>, time: string) =>
  withAnnotation(manifests, "autoscaling.knative.dev/window", time)

/** Sends requests until told to stop; returns the answers. */
const load = (cloud: ReturnType<typeof start>, connections: number) => {
  const answers = new Map<string, number>()
  const failures: Array<unknown> = []
  let stopped = false
  const done = cloud.route(host).then((route) =>
    Promise.all(
      Array.from({ length: connections }, async () => {
        // One failure is enough: a service that refuses at once would keep everything else from running.
        while (!stopped && failures.length === 0) {
          await send(route).then(
            (found) => answers.set(found, (answers.get(found) ?? 0) + 1),
            (error: unknown) => failures.push(error)
          )
        }
      })
    )
  )
  return {
    answers,
    stop: async () => {
      stopped = true
      await done
      expect(failures).toStrictEqual([])
    }
  }
}

describe("LocalRuntime (on a fake of Instances)", () => {
  it("starts a service and reports its conditions like Knative", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer)
    await cloud.apply(web("a:1"))
    const status = await cloud.until("web", (each) => each.state === "ready")
    expect(status.conditions.map((condition) => [condition.type, condition.status, condition.reason])).toStrictEqual([
      ["Ready", "True", ""],
      ["ConfigurationsReady", "True", ""],
      ["RoutesReady", "True", ""],
      ["Active", "True", ""]
    ])
    expect(status).toMatchObject({
      generation: 1,
      observedGeneration: 1,
      latestCreatedRevision: "web-00001",
      latestReadyRevision: "web-00001",
      traffic: [{ revision: "web-00001", percent: 100 }],
      instances: 1,
      url: "http://web--shop--local.localhost:8080"
    })
    expect(await send(await cloud.route(host))).toBe("web-00001")
  })

  it("creates no revision for an unchanged service, and writes nothing", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer)
    await cloud.apply(web("a:1"))
    await cloud.until("web", (each) => each.state === "ready")
    await new Promise((resolve) => setTimeout(resolve, 300))
    const writes = cloud.objects.writes()
    await cloud.apply(web("a:1"))
    expect((await cloud.status("web"))?.generation).toBe(1)
    expect(cloud.objects.writes()).toBe(writes)
    expect(fake.started()).toBe(1)
  })

  it("moves to a new revision under load without a failed request", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer)
    await cloud.apply(web("a:1"))
    await cloud.until("web", (each) => each.state === "ready")
    const requests = load(cloud, 20)
    for (let i = 2; i <= 6; i++) {
      await cloud.apply(web(`a:${i}`))
      await cloud.until("web", (each) => each.latestReadyRevision === `web-0000${i}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
    await requests.stop()
    expect(requests.answers.get("web-00006") ?? 0).toBeGreaterThan(0)
    await cloud.until("web", (each) => each.instances === 1)
    const revisions = await cloud.revisions("web")
    expect(revisions.map((revision) => [revision.name, revision.ready, revision.trafficPercent])).toStrictEqual(
      [6, 5, 4, 3, 2, 1].map((value) => [`web-0000${value}`, "True", value === 6 ? 100 : 0])
    )
  })

  it("keeps the old revision if the new one fails, says why, and recovers with the next", async () => {
    const fake = makeFakeInstances()
    fake.programs.set("bad:1", crashes)
    const cloud = start(fake.layer)
    await cloud.apply(web("a:1"))
    await cloud.until("web", (each) => each.state === "ready")
    await cloud.apply(web("bad:1"))
    const failed = await cloud.until("web", (each) => each.state === "failed")
    const ready = failed.conditions.find((condition) => condition.type === "Ready")
    expect(ready).toMatchObject({
      status: "False",
      reason: "RevisionFailed",
      message: 'Revision "web-00002" failed with message: the program ended with exit code 1.'
    })
    expect(failed.conditions.find((condition) => condition.type === "RoutesReady")?.status).toBe("True")
    expect(failed.latestReadyRevision).toBe("web-00001")
    expect(failed.logTail.join("\n")).toContain("exit code 1")
    expect((await cloud.revisions("web"))[0]?.reason).toBe("CrashOnStart")
    expect(await send(await cloud.route(host))).toBe("web-00001")

    fake.programs.delete("bad:1")
    await cloud.apply(web("bad:1"))
    const again = await cloud.until("web", (each) => each.state === "ready")
    expect(again).toMatchObject({ latestReadyRevision: "web-00002", diagnosis: null })
  })

  it("ties a revision to the image of its first instance, even if that never became ready, and after a restart", async () => {
    const fake = makeFakeInstances()
    const objects = makeMemoryObjects()
    const id = (digit: string) => `sha256:${digit.repeat(64)}`
    let now = id("1")
    const ran: Array<string | undefined> = []
    const resolvedImage = () => now
    fake.programs.set("moving", { ...crashes, resolvedImage })
    const first = start(fake.layer, objects)
    await first.apply(web("moving"))
    await first.until("web", (each) => each.state === "failed")
    expect((await first.revisions("web"))[0]?.image).toBe(`moving@${id("1")}`)
    await first.stop()

    now = id("2")
    fake.programs.set("moving", {
      resolvedImage,
      answer: ({ program }) => {
        ran.push(program.kind === "image" ? program.resolved : undefined)
        return "up"
      }
    })
    const second = start(fake.layer, objects)
    // A deployment without a change tries the same revision again.
    await second.apply(web("moving"))
    await second.until("web", (each) => each.state === "ready")
    expect(await send(await second.route(host))).toBe("up")
    expect(ran).toStrictEqual([id("1")])
  })

  it("fails a new service whose instances exit right after becoming ready, with their last lines", async () => {
    const fake = makeFakeInstances()
    fake.programs.set("bad:1", { livesMs: 20 })
    const cloud = start(fake.layer, makeMemoryObjects(), { settle: { leastMs: 300, mostMs: 300 } })
    await cloud.apply(web("bad:1"))
    const failed = await cloud.until("web", (each) => each.state !== "pending")
    expect(failed).toMatchObject({ state: "failed", terminal: true, latestReadyRevision: null })
    expect(failed.diagnosis?.code).toBe("CrashOnStart")
    expect(failed.diagnosis?.message ?? "").toMatch(/exit code 1, \d\.\d s after it was ready/)
    expect(failed.logTail.join("\n")).toContain("no build")
    expect(fake.started()).toBeGreaterThanOrEqual(2)
  })

  it("keeps requests on the old revision while the new one exits right after becoming ready", async () => {
    const fake = makeFakeInstances()
    fake.programs.set("bad:1", { livesMs: 20 })
    const cloud = start(fake.layer, makeMemoryObjects(), { settle: { leastMs: 300, mostMs: 300 } })
    await cloud.apply(web("a:1"))
    await cloud.until("web", (each) => each.state === "ready")
    const requests = load(cloud, 5)
    await cloud.apply(web("bad:1"))
    await cloud.until("web", (each) => each.state === "failed")
    await requests.stop()
    expect([...requests.answers.keys()]).toStrictEqual(["web-00001"])
  })

  it("answers requests for a new service at once, and calls it ready when its instance has stayed up", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer, makeMemoryObjects(), { settle: { leastMs: 400, mostMs: 400 } })
    const began = performance.now()
    await cloud.apply(web("a:1"))
    expect(await send(await cloud.route(host))).toBe("web-00001")
    expect((await cloud.status("web"))?.state).toBe("pending")
    await cloud.until("web", (each) => each.state === "ready")
    expect(performance.now() - began).toBeGreaterThanOrEqual(400)
    expect(fake.started()).toBe(1)
  })

  it("doesn't make a settled revision settle again", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer, makeMemoryObjects(), { settle: { leastMs: 200, mostMs: 200 } })
    await cloud.apply(web("a:1"))
    await cloud.until("web", (each) => each.state === "ready")
    await cloud.apply(web("a:1"))
    expect((await cloud.status("web"))?.state).toBe("ready")
  })

  it("is degraded while its instances exit within seconds, whether or not one is ready at the moment", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer, makeMemoryObjects(), { backoff: { baseMs: 50, maxMs: 50, resetAfterMs: 10_000 } })
    await cloud.apply(web("a:1", { scale: { min: 1 } }))
    await cloud.until("web", (each) => each.state === "ready")
    fake.programs.set("a:1", { livesMs: 100 })
    await fake.kill(fake.running()[0]?.id ?? "")
    await cloud.until("web", (each) => each.state === "degraded")
    const states = new Set<string | undefined>()
    for (const end = Date.now() + 400; Date.now() < end; ) {
      states.add((await cloud.status("web"))?.state)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect([...states]).toStrictEqual(["degraded"])
  })

  it("answers 503 with the kind of failure if no revision was ever ready, with details only for its owner", async () => {
    const fake = makeFakeInstances()
    const failure = new InstanceFailed({
      reason: "ImageNotFound",
      message: "there is no image bad:1",
      retryable: false
    })
    fake.programs.set("bad:1", { failure, startMs: 50 })
    const cloud = start(fake.layer)
    await cloud.apply(web("bad:1"))
    const held = await send(await cloud.route(host)).catch((error: unknown) => error)
    assert(held instanceof NoInstance)
    const refused = await send(await cloud.route(host)).catch((error: unknown) => error)
    assert(refused instanceof NoInstance)
    for (const { message } of [held, refused]) {
      expect(message).toContain("(ImageNotFound)")
      expect(message).not.toContain("bad:1")
    }
    const status = await cloud.until("web", (each) => each.state === "failed")
    expect(JSON.stringify(status.conditions)).toContain("there is no image bad:1")
    expect(status.conditions.find((condition) => condition.type === "RoutesReady")).toMatchObject({
      status: "False",
      reason: "RevisionMissing"
    })
    expect(fake.started()).toBe(1)
  })

  it("scales from zero to several and back, and starts at once for a request at zero", async () => {
    const fake = makeFakeInstances()
    fake.programs.set("a:1", { answer: () => new Promise((resolve) => setTimeout(() => resolve("late"), 100)) })
    const cloud = start(fake.layer)
    await cloud.apply(window(web("a:1", { scale: { min: 0, max: 4, concurrency: 1, maxConcurrency: 1 } }), "2s"))
    const idle = await cloud.until("web", (each) => each.state === "idle")
    expect(idle.conditions.find((condition) => condition.type === "Active")).toMatchObject({
      status: "False",
      reason: "NoTraffic"
    })
    expect(idle.conditions[0]?.status).toBe("True")
    expect(fake.running().length).toBe(0)

    expect(await send(await cloud.route(host))).toBe("late")
    const requests = load(cloud, 8)
    await cloud.until("web", (each) => each.instances === 4)
    await requests.stop()
    await cloud.until("web", (each) => each.state === "idle" && each.instances === 0)
  })

  it("loses no request when instances die", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer, makeMemoryObjects(), {
      backoff: { baseMs: 20, maxMs: 50, resetAfterMs: 0 }
    })
    await cloud.apply(web("a:1", { scale: { min: 3, max: 3 } }))
    await cloud.until("web", (each) => each.instances === 3)
    const requests = load(cloud, 20)
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      const [victim] = fake.running()
      if (victim !== undefined) await fake.kill(victim.id)
    }
    await requests.stop()
    await cloud.until("web", (each) => each.instances === 3 && each.state === "ready")
  })

  it("backs off in a crash loop, reports it, and refuses requests with the reason", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer, makeMemoryObjects(), {
      backoff: { baseMs: 300, maxMs: 600, resetAfterMs: 10_000 }
    })
    await cloud.apply(web("a:1", { scale: { min: 1 } }))
    await cloud.until("web", (each) => each.state === "ready")
    fake.programs.set("a:1", crashes)
    const [only] = fake.running()
    await fake.kill(only?.id ?? "")
    const degraded = await cloud.until("web", (each) => each.state === "degraded")
    expect(degraded.conditions.find((condition) => condition.type === "Active")).toMatchObject({
      status: "False",
      reason: "CrashOnStart"
    })
    const answer = await send(await cloud.route(host)).catch((error: unknown) => error)
    assert(answer instanceof NoInstance)
    expect(answer.status).toBe(503)
    expect(answer.retryAfterSeconds ?? 0).toBeGreaterThan(0)
    expect(answer.message).toMatch(/ended with exit code 1\. The next attempt is in \d s\./)
    const starts = fake.started()
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(fake.started() - starts).toBeLessThanOrEqual(2)
    fake.programs.delete("a:1")
    await cloud.until("web", (each) => each.state === "ready")
  })

  it("finds services, revisions and their numbers after a restart, and holds requests meanwhile", async () => {
    const objects = makeMemoryObjects()
    const fake = makeFakeInstances()
    const first = start(fake.layer, objects)
    await first.apply(web("a:1"))
    await first.until("web", (each) => each.state === "ready")
    await first.apply(web("a:2"))
    await first.until("web", (each) => each.latestReadyRevision === "web-00002")
    const before = await first.status("web")
    await first.stop()
    expect(fake.running().length).toBe(0)

    const second = start(fake.layer, objects)
    expect(await send(await second.route(host))).toBe("web-00002")
    const after = await second.until("web", (each) => each.state === "ready")
    expect({ ...after, conditions: [] }).toStrictEqual({ ...before, conditions: [] })
    expect(after.conditions.slice(0, 3)).toStrictEqual(before?.conditions.slice(0, 3))
    await second.apply(web("a:3"))
    await second.until("web", (each) => each.latestReadyRevision === "web-00003")
    await second.remove(web("a:3"))
    expect(fake.running().length).toBe(0)
    expect(objects.objects.size).toBe(0)
    expect(await second.lookup(host)).toBeUndefined()
    expect(await second.status("web")).toBeUndefined()
    await second.remove(web("a:3"))
  })

  it("doesn't continue after a restart with what it may not run: folders of `maxcloud dev`, processes of others", async () => {
    const objects = makeMemoryObjects()
    const fake = makeFakeInstances()
    const inPlace = manifestsOf([{ name: "web", source: { path: "web", directory: "/srv/web" }, scale: { min: 1 } }])
    const dev = start(fake.layer, objects)
    await dev.apply(inPlace)
    await dev.until("web", (each) => each.state === "ready")
    await dev.stop()

    for (const options of [{ inPlace: false }, { mayRunProcesses: () => false }]) {
      const server = start(fake.layer, objects, options)
      const status = await server.until("web", (each) => each.state === "failed")
      expect(status.latestReadyRevision).toBe(null)
      expect(String(status.conditions.find((condition) => condition.type === "Ready")?.message)).toMatch(
        /maxcloud dev|MAXCLOUD_AUTH/
      )
      const route = await server.route(host)
      const refused = await Promise.resolve()
        .then(() => route.acquire(new AbortController().signal))
        .catch((cause: unknown) => cause)
      expect(String(refused)).toMatch(/isn't running \(NotRunHere\)/)
      expect(fake.running().length).toBe(0)
      await server.stop()
    }

    // A new deployment runs.
    const server = start(fake.layer, objects, { inPlace: false })
    await server.apply(web("a:1"))
    await server.until("web", (each) => each.state === "ready")
    await server.stop()
  })

  it("gives links, secrets and the platform's variables to instances", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer)
    const services = [
      { name: "api", image: "api:1", visibility: "internal" },
      {
        name: "web",
        image: "a:1",
        env: {
          API_URL: { service: "api", property: "url" },
          DATABASE: { join: ["db://", { secret: "PASSWORD" }, "@x$(K_SERVICE)"] },
          PLAIN: "costs $(5) and $$"
        }
      }
    ]
    await cloud.apply(manifestsOf(services))
    await cloud.until("web", (each) => each.state === "ready")
    await cloud.until("api", (each) => each.state === "ready")
    const env = fake.running().find((each) => each.service === "web")?.env
    expect(env?.get("K_REVISION")).toBe("web-00001")
    expect(env?.get("PLAIN")).toBe("costs $(5) and $$")
    expect(String(env?.get("DATABASE"))).toBe("<redacted>")
    const url = String(env?.get("API_URL"))
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(await (await fetch(url)).text()).toBe("api-00001")
    expect(await cloud.lookup("api--shop--local.localhost")).toBeUndefined()

    const port = new URL(url).port
    await cloud.stop()
    const second = start(fake.layer, cloud.objects)
    await second.until("web", (each) => each.state === "ready")
    const again = fake
      .running()
      .find((each) => each.service === "web")
      ?.env.get("API_URL")
    expect(new URL(String(again)).port).toBe(port)
  })

  it("separates organizations with equal names, and lets only the local one run processes", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer)
    const other = testKey("other")
    await cloud.apply(web("a:1"))
    await cloud.until("web", (each) => each.state === "ready")
    expect(await cloud.status("web", other)).toBeUndefined()
    await cloud.apply(manifestsOf([{ name: "web", image: "a:1" }], other), other)
    await cloud.until("web", (each) => each.state === "ready", other)
    await cloud.remove(manifestsOf([{ name: "web", image: "a:1" }], other), other)
    expect((await cloud.status("web"))?.state).toBe("ready")
    const source = { path: ".", directory: "/" }
    const refused = await cloud.apply(manifestsOf([{ name: "web", source }], other), other).then(() => "taken", String)
    expect(refused).toContain("Only the organization")
    expect(await cloud.apply(web("a:1"), other).then(() => "taken", String)).toContain("isn't in the namespace")
  })

  it("starts 500 services of one app, few at a time, and stops those without requests", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer)
    const names = Array.from({ length: 500 }, (_, i) => `s${i}`)
    await cloud.apply(manifestsOf(names.map((name) => ({ name, image: "a:1" }))))
    for (const name of names) await cloud.until(name, (each) => each.latestReadyRevision !== null)
    expect(fake.mostStarting()).toBeLessThanOrEqual(4)
    expect(fake.running().length).toBeLessThan(60)
    expect(await send(await cloud.route("s7--shop--local.localhost"))).toBe("s7-00001")
    expect(cloud.objects.writes()).toBeLessThan(60)
  })
})
