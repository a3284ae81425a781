import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { Agent, createServer, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import type { Manifest } from "@maxcloud/synth"
import { Layer } from "effect"
import { accessAway } from "../../../test/images/testAccess.ts"
import { makeMemoryObjects, makeTestRuntime, manifestsOf, withAnnotation } from "../../../test/local/testRuntime.ts"
import { noSources } from "../../../test/noSources.ts"
import { makeFront } from "../../base/proxy/makeFront.ts"
import { LocalRoutes } from "../port/LocalRoutes.ts"
import { layer as instancesLayer } from "./instances/instancesLayer.ts"

let folder: string
const ends: Array<() => Promise<void>> = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "maxcloud-processes-"))
  chmodSync(folder, 0o755)
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  rmSync(folder, { recursive: true, force: true })
})

/** A program in its own folder: answers with its text, exits at `/exit`, and finishes requests at SIGTERM. */
const program = (text: string, before = ""): string => {
  const directory = join(folder, text)
  mkdirSync(directory, { recursive: true })
  writeFileSync(
    join(directory, "index.js"),
    `${before}
    const server = require("node:http").createServer((request, response) => {
      if (request.url === "/exit") process.exit(3)
      setTimeout(() => response.end(${JSON.stringify(text)} + " " + process.pid), 5)
    }).listen(process.env.PORT)
    process.on("SIGTERM", () => server.close(() => process.exit(0)))
    console.log("${text} listens")`
  )
  return directory
}

const web = (directory: string, scale: Readonly<Record<string, unknown>> = {}) =>
  withAnnotation(
    manifestsOf([{ name: "web", source: { path: ".", directory }, scale }]),
    "autoscaling.knative.dev/window",
    "2s"
  )

/** The runtime on real processes, behind the real front. */
const serve = async (objects = makeMemoryObjects()) => {
  const instances = instancesLayer({ dataDirectory: folder }).pipe(Layer.provide(Layer.merge(noSources, accessAway)))
  const cloud = makeTestRuntime(instances, objects, { backoff: { baseMs: 300, maxMs: 600, resetAfterMs: 10_000 } })
  const { lookup } = await cloud.run(LocalRoutes)
  const front = await makeFront({ host: "127.0.0.1", port: 0, lookup, isApiHost: () => false, api: createServer() })
  const agent = new Agent({ keepAlive: true })
  const stop = async () => {
    agent.destroy()
    await front.close(100)
    await cloud.stop()
  }
  ends.push(stop)
  const get = (path = "/", method = "GET") =>
    new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
      const headers = { host: "web--shop--local.localhost" }
      const sent = request(
        { host: "127.0.0.1", port: front.address.port, path, method, headers, agent },
        (response) => {
          let text = ""
          response.setEncoding("utf8")
          response.on("data", (value: string) => {
            text += value
          })
          response.on("end", () => resolve({ status: response.statusCode ?? 0, text }))
        }
      )
      sent.on("error", reject)
      sent.end()
    })
  return { ...cloud, get, stop }
}

describe("LocalRuntime on processes", () => {
  it("changes a service under load without a failed request, and drains the old revision", async () => {
    const cloud = await serve()
    await cloud.apply(web(program("one")))
    await cloud.until("web", (each) => each.state === "ready")
    const answers: Array<{ readonly status: number; readonly text: string }> = []
    let stopped = false
    const load = Promise.all(
      Array.from({ length: 20 }, async () => {
        while (!stopped) answers.push(await cloud.get())
      })
    )
    await cloud.apply(web(program("two")))
    await cloud.until("web", (each) => each.latestReadyRevision === "web-00002")
    await cloud.apply(web(program("three")))
    await cloud.until("web", (each) => each.latestReadyRevision === "web-00003" && each.instances === 1)
    stopped = true
    await load
    expect(answers.filter((answer) => answer.status !== 200)).toStrictEqual([])
    expect((await cloud.get()).text).toMatch(/^three/)
    expect([...new Set(answers.map((answer) => answer.text.split(" ")[0]))]).toStrictEqual(["one", "two", "three"])
  })

  it("scales to zero, starts for a request, and grows with load", async () => {
    const cloud = await serve()
    await cloud.apply(web(program("app"), { min: 0, max: 3, concurrency: 1, maxConcurrency: 1 }))
    await cloud.until("web", (each) => each.state === "idle" && each.instances === 0)
    expect((await cloud.get()).status).toBe(200)
    const processes = new Set<string>()
    const end = Date.now() + 8000
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        while (processes.size < 3 && Date.now() < end) processes.add((await cloud.get()).text)
      })
    )
    expect(processes.size).toBe(3)
  })

  it("replaces a frozen instance even if nobody requests it, and doesn't count probes as traffic", async () => {
    const cloud = await serve()
    const fast = (manifests: ReadonlyArray<Manifest>): ReadonlyArray<Manifest> =>
      JSON.parse(
        JSON.stringify(manifests, (key, value) =>
          key === "livenessProbe" ? { ...value, periodSeconds: 1, timeoutSeconds: 1 } : value
        )
      )
    // A folder that runs in place has no probe by default.
    const given = (scale: Readonly<Record<string, unknown>>) => {
      const probes = { liveness: { path: "/alive" } }
      const service = { name: "web", source: { path: ".", directory: program("app") }, probes, scale }
      return withAnnotation(fast(manifestsOf([service])), "autoscaling.knative.dev/window", "4s")
    }
    await cloud.apply(given({ min: 1 }))
    await cloud.until("web", (each) => each.state === "ready")
    const { text } = await cloud.get()
    process.kill(Number(text.split(" ")[1]), "SIGSTOP")
    const stuck = cloud.get()
    expect((await stuck).status).toBe(502)
    const next = await cloud.get()
    expect(next.status).toBe(200)
    expect(next.text).not.toBe(text)
    await cloud.apply(given({ min: 0 }))
    await cloud.until("web", (each) => each.state === "idle" && each.instances === 0)
  })

  it("replaces an instance that exits, and reports one that never starts", async () => {
    const cloud = await serve()
    await cloud.apply(web(program("app"), { min: 1 }))
    const { text } = await cloud.until("web", (each) => each.state === "ready").then(() => cloud.get())
    await cloud.get("/exit", "POST")
    let next = await cloud.get()
    // A request that the exiting instance may have begun isn't sent twice.
    while (next.status === 502) next = await cloud.get()
    expect(next.status).toBe(200)
    expect(next.text).not.toBe(text)

    await cloud.apply(web(program("broken", 'console.error("no database"); process.exit(7)')))
    const failed = await cloud.until("web", (each) => each.state === "failed")
    expect(failed.conditions[0]?.message ?? "").toContain("7")
    expect(failed.logTail.join("\n")).toContain("no database")
    expect((await cloud.get()).text).toBe(next.text)
  })

  it.skipIf(process.platform !== "linux")(
    "reports within seconds that a program uses its own port, and how to fix it",
    async () => {
      const cloud = await serve()
      const directory = program("app")
      writeFileSync(join(directory, "index.js"), 'require("node:http").createServer().listen(0)')
      const began = Date.now()
      await cloud.apply(web(directory))
      const told = await cloud.until("web", (each) => each.diagnosis !== null)
      expect(Date.now() - began).toBeLessThan(8_000)
      expect(told).toMatchObject({ state: "pending", terminal: false })
      expect(told.diagnosis?.code).toBe("WrongPort")
      expect(told.diagnosis?.fix ?? "").toContain("process.env.PORT")
      expect(told.diagnosis?.fix ?? "").not.toContain("port:")
    }
  )

  it.skipIf(process.platform !== "linux")("warns about a program that listens only on loopback", async () => {
    const cloud = await serve()
    const directory = program("app")
    writeFileSync(
      join(directory, "index.js"),
      'require("node:http").createServer((_, response) => response.end("here")).listen(process.env.PORT, "localhost")'
    )
    await cloud.apply(web(directory))
    const told = await cloud.until("web", (each) => each.diagnosis !== null)
    expect(told.state).toBe("ready")
    expect(told.diagnosis?.code).toBe("LoopbackOnly")
    expect((await cloud.get()).text).toBe("here")
  })

  it("continues after a stop where it was, and leaves no process behind", async () => {
    const objects = makeMemoryObjects()
    const first = await serve(objects)
    await first.apply(web(program("app")))
    await first.until("web", (each) => each.state === "ready")
    const pid = Number((await first.get()).text.split(" ")[1])
    await first.stop()
    ends.pop()
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
    const second = await serve(objects)
    const answer = await second.get()
    expect(answer.status).toBe(200)
    expect(answer.text).not.toBe(`app ${pid}`)
  })
})
