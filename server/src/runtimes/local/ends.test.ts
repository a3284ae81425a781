import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { Layer } from "effect"
import { accessAway } from "../../../test/images/testAccess.ts"
import {
  makeMemoryObjects,
  makeTestRuntime,
  manifestsOf,
  send,
  withAnnotation
} from "../../../test/local/testRuntime.ts"
import { noSources } from "../../../test/noSources.ts"
import { layer as instancesLayer } from "./instances/instancesLayer.ts"

let folder: string
const ends: Array<() => Promise<void>> = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "maxcloud-ends-"))
  chmodSync(folder, 0o755)
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  rmSync(folder, { recursive: true, force: true })
})

/** Ignores SIGTERM, and notes for how long it has lived since. */
const stubborn = (answerMs: number) => {
  const directory = join(folder, "stubborn")
  mkdirSync(directory)
  chmodSync(directory, 0o777)
  writeFileSync(
    join(directory, "index.js"),
    `const { appendFileSync } = require("node:fs")
    require("node:http").createServer((request, response) => {
      appendFileSync("asked", "x")
      setTimeout(() => response.end("done"), ${answerMs})
    }).listen(process.env.PORT)
    let asked
    process.on("SIGTERM", () => { asked ??= Date.now() })
    setInterval(() => {
      if (asked !== undefined) appendFileSync("lived", (Date.now() - asked) + "\\n")
    }, 20)`
  )
  return directory
}

const web = (directory: string, more: object = {}) =>
  manifestsOf([{ name: "web", source: { path: ".", directory }, grace: "2s", scale: { min: 1 }, ...more }])

const start = async (more: object = {}, answerMs = 2000) => {
  const instances = instancesLayer({ dataDirectory: folder }).pipe(Layer.provide(Layer.merge(noSources, accessAway)))
  const cloud = makeTestRuntime(instances, makeMemoryObjects())
  ends.push(cloud.stop)
  const directory = stubborn(answerMs)
  await cloud.apply(web(directory, more))
  await cloud.until("web", (each) => each.state === "ready")
  /** For how many milliseconds after SIGTERM it lived. */
  const lived = () => Number(readFileSync(join(directory, "lived"), "utf8").split("\n").at(-2))
  /** A request that the program has got. */
  const request = async () => {
    const answer = send(await cloud.route("web--shop--local.localhost")).catch(() => "cut")
    while (!existsSync(join(directory, "asked"))) await new Promise((resolve) => setTimeout(resolve, 10))
    return { answer }
  }
  return { cloud, directory, lived, request }
}

const expectGrace = (lived: number) => {
  // At least nearly all of the grace period, and far less than the default of 30 s.
  expect(lived).toBeGreaterThan(1_500)
  expect(lived).toBeLessThan(10_000)
}

describe("the end of an instance that ignores SIGTERM", () => {
  it("comes after its grace period when its service is removed", async () => {
    const { cloud, directory, lived } = await start()
    await cloud.remove(web(directory))
    expectGrace(lived())
  })

  it("isn't awaited by a removal for long, and precedes the service's return", async () => {
    const long = { grace: "8s" }
    const { cloud, directory, lived } = await start(long)
    const ending = { _tag: "Left", left: { reason: "unavailable", away: true } }
    expect(await cloud.beginRemoval(web(directory, long))).toMatchObject(ending)
    expect(lived()).toBeLessThan(7_000)
    // Later attempts only look.
    expect(await cloud.beginRemoval(web(directory, long))).toMatchObject(ending)
    await expect(cloud.apply(web(directory, long))).rejects.toThrow('the instances of "web"')
    expect((await cloud.status("web"))?.state).toBe("deleting")
    await cloud.remove(web(directory, long))
    expect(lived()).toBeGreaterThan(7_000)
    await cloud.apply(web(directory, long))
    await cloud.until("web", (each) => each.state === "ready")
  })

  it("comes after its grace period when the service is updated", async () => {
    const { cloud, directory, lived } = await start()
    await cloud.apply(web(directory, { env: { VERSION: "2" } }))
    await cloud.until(
      "web",
      (each) => each.latestReadyRevision === "web-00002" && each.instances === 1,
      undefined,
      20_000
    )
    expectGrace(lived())
  })

  it("comes after its grace period when it is scaled down", async () => {
    const { cloud, directory, lived } = await start()
    await cloud.apply(withAnnotation(web(directory, { scale: { min: 0 } }), "autoscaling.knative.dev/window", "1s"))
    await cloud.until("web", (each) => each.state === "idle" && each.instances === 0, undefined, 30_000)
    expectGrace(lived())
  })

  it("comes after its grace period when the server stops", async () => {
    const { cloud, lived } = await start()
    ends.length = 0
    await cloud.stop()
    expectGrace(lived())
  })
})

describe("an open request", () => {
  const ending = { drain: "20s", grace: "1s" }

  it("finishes within `drain` when its service is removed", async () => {
    const { cloud, directory, request } = await start(ending)
    const { answer } = await request()
    await cloud.remove(web(directory, ending))
    expect(await answer).toBe("done")
  })

  it("finishes within `drain` when its service is updated", async () => {
    const { cloud, directory, request } = await start(ending)
    const { answer } = await request()
    await cloud.apply(web(directory, { ...ending, env: { VERSION: "2" } }))
    expect(await answer).toBe("done")
  })

  it("finishes within `drain` when its service is scaled down", async () => {
    const { cloud, directory, request } = await start(ending, 4000)
    const { answer } = await request()
    const manifests = withAnnotation(
      web(directory, { ...ending, scale: { min: 0 } }),
      "autoscaling.knative.dev/window",
      "1s"
    )
    await cloud.apply(manifests)
    expect(await answer).toBe("done")
    await cloud.until("web", (each) => each.state === "idle" && each.instances === 0, undefined, 30_000)
  })

  it("is cut after `drain` and the grace period", async () => {
    const short = { drain: "1s", grace: "1s" }
    const { cloud, directory, request } = await start(short, 30_000)
    const { answer } = await request()
    await cloud.remove(web(directory, short))
    expect(await answer).toBe("cut")
  })
})
