import { createServer } from "node:http"
import { afterEach, describe, expect, it } from "@effect/vitest"
import { crashes, makeFakeInstances } from "../../../test/local/fakeInstances.ts"
import { makeMemoryObjects, makeTestRuntime, manifestsOf, send, testKey } from "../../../test/local/testRuntime.ts"
import { makeFront } from "../../base/proxy/makeFront.ts"

const host = "web--shop--local.localhost"
const ending: Array<() => Promise<void>> = []
const start = (...parameters: Parameters<typeof makeTestRuntime>) => {
  const runtime = makeTestRuntime(...parameters)
  ending.push(runtime.stop)
  return runtime
}
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

const web = (image: string, paused = false, more: Readonly<Record<string, unknown>> = {}) =>
  manifestsOf([{ name: "web", image, ...more }], testKey(), paused ? ["web"] : [])

/** The answer to a request through the proxy. */
const ask = async (cloud: ReturnType<typeof start>, headers: Readonly<Record<string, string>> = {}) => {
  const route = await cloud.route(host)
  const front = await makeFront({
    host: "127.0.0.1",
    port: 0,
    lookup: () => route,
    isApiHost: () => false,
    api: createServer()
  })
  try {
    const answer = await fetch(`http://127.0.0.1:${front.address.port}/`, { headers })
    return { status: answer.status, headers: answer.headers, text: await answer.text() }
  } finally {
    await front.close(0)
  }
}

describe("a paused service", () => {
  it("has no instance, starts none, and answers 503 with a page or a problem document", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer)
    await cloud.apply(web("a:1", false, { scale: { min: 1 } }))
    await cloud.until("web", (each) => each.state === "ready")
    await cloud.apply(web("a:1", true, { scale: { min: 1 } }))
    const status = await cloud.until("web", (each) => each.state === "paused" && each.instances === 0)
    expect(status.conditions.find((condition) => condition.type === "Active")?.reason).toBe("Paused")

    const problem = await ask(cloud, { accept: "application/json" })
    expect(problem.status).toBe(503)
    expect(problem.headers.get("content-type")).toBe("application/problem+json")
    expect(problem.headers.get("retry-after")).toBe("60")
    expect(problem.text).toContain('"code":"paused"')
    expect(problem.text).toContain("maxcloud resume web")
    const page = await ask(cloud, { accept: "text/html,*/*" })
    expect(page.status).toBe(503)
    expect(page.headers.get("content-type")).toContain("text/html")
    expect(page.text).toContain("is paused")
    expect(fake.started()).toBe(1)
  })

  it("creates no revision by pausing and resuming alone, and then serves as before", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer)
    await cloud.apply(web("a:1", false, { scale: { min: 1 } }))
    await cloud.until("web", (each) => each.state === "ready")
    await cloud.apply(web("a:1", true, { scale: { min: 1 } }))
    await cloud.until("web", (each) => each.state === "paused" && each.instances === 0)
    await cloud.apply(web("a:1", false, { scale: { min: 1 } }))
    await cloud.until("web", (each) => each.state === "ready" && each.instances === 1)
    expect((await cloud.revisions("web")).length).toBe(1)
    expect(await send(await cloud.route(host))).toBe("web-00001")
  })

  it("starts for a request once it is resumed, if its minimum scale is zero", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer)
    await cloud.apply(web("a:1"))
    await cloud.until("web", (each) => each.state === "ready")
    await cloud.apply(web("a:1", true))
    await cloud.until("web", (each) => each.state === "paused" && each.instances === 0)
    await cloud.apply(web("a:1"))
    expect((await cloud.status("web"))?.state).toBe("idle")
    expect(await send(await cloud.route(host))).toBe("web-00001")
  })

  it("refuses its held requests", async () => {
    const fake = makeFakeInstances()
    fake.programs.set("slow:1", { startMs: 60_000 })
    const cloud = start(fake.layer)
    await cloud.apply(web("slow:1"))
    const route = await cloud.route(host)
    const held = Promise.resolve(route.acquire(new AbortController().signal)).then(
      () => "a lease",
      (error: unknown) => String(error)
    )
    await cloud.apply(web("slow:1", true))
    expect(await held).toContain("is paused")
  })

  it("accepts a new revision without starting it, and starts it once it is resumed", async () => {
    const fake = makeFakeInstances()
    const cloud = start(fake.layer)
    await cloud.apply(web("a:1"))
    await cloud.until("web", (each) => each.state === "ready")
    await cloud.apply(web("a:1", true))
    await cloud.until("web", (each) => each.state === "paused" && each.instances === 0)
    const before = fake.started()
    await cloud.apply(web("b:1", true))
    await cloud.apply(web("c:1", true))
    const status = await cloud.status("web")
    expect(status).toMatchObject({
      state: "paused",
      latestCreatedRevision: "web-00003",
      latestReadyRevision: "web-00001"
    })
    expect(fake.started()).toBe(before)
    await cloud.apply(web("c:1"))
    await cloud.until("web", (each) => each.latestReadyRevision === "web-00003" && each.state === "ready")
    expect(await send(await cloud.route(host))).toBe("web-00003")
    expect((await cloud.revisions("web"))[1]?.reason).toBe("Superseded")
  })

  it("leaves a failed revision failed when it is resumed, and tries it again with a deployment", async () => {
    const fake = makeFakeInstances()
    fake.programs.set("a:1", crashes)
    const cloud = start(fake.layer, makeMemoryObjects(), { backoff: { baseMs: 5, maxMs: 5, resetAfterMs: 10_000 } })
    await cloud.apply(web("a:1"))
    await cloud.until("web", (each) => each.state === "failed")
    await cloud.apply(web("a:1", true))
    await cloud.until("web", (each) => each.state === "paused" && each.instances === 0)
    fake.programs.delete("a:1")
    const started = fake.started()
    await cloud.apply(web("a:1"), testKey(), "recheck")
    expect((await cloud.status("web"))?.state).toBe("failed")
    expect(fake.started()).toBe(started)
    await cloud.apply(web("a:1"))
    await cloud.until("web", (each) => each.state === "ready")
  })

  it("is still paused after a restart, and can then be resumed", async () => {
    const fake = makeFakeInstances()
    const objects = makeMemoryObjects()
    const first = makeTestRuntime(fake.layer, objects)
    await first.apply(web("a:1", false, { scale: { min: 1 } }))
    await first.until("web", (each) => each.state === "ready")
    await first.apply(web("a:1", true, { scale: { min: 1 } }))
    await first.until("web", (each) => each.state === "paused" && each.instances === 0)
    await first.stop()

    const started = fake.started()
    const second = start(fake.layer, objects)
    expect((await second.status("web"))?.state).toBe("paused")
    expect((await ask(second)).status).toBe(503)
    expect(fake.started()).toBe(started)
    await second.apply(web("a:1", false, { scale: { min: 1 } }))
    await second.until("web", (each) => each.state === "ready")
    expect(await send(await second.route(host))).toBe("web-00001")
  })
})
