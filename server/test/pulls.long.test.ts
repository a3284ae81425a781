import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import type { DeployProgress } from "@maxcloud/sdk"
import { recordFault } from "./chaos/recordFault.ts"
import { freePort } from "./freePort.ts"
import { type GatedRegistry, startGatedRegistry } from "./registry/gatedRegistry.ts"
import { missingTools } from "./registry/missingTools.ts"
import { buildNginxImage } from "./registry/scratchImage.ts"
import { startTestRegistry, type TestRegistry } from "./registry/testRegistry.ts"
import { ServerProcess } from "./serverProcess.ts"

const podman = async (...args: ReadonlyArray<string>) => (await promisify(execFile)("podman", [...args])).stdout.trim()
const missing = missingTools("pulls that hang, or are slow", "podman", "docker-registry", "nginx")

const until = async (what: string, reached: () => boolean | Promise<boolean>) => {
  for (const end = performance.now() + 60_000; performance.now() < end; ) {
    if (await reached()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`not within 60 s: ${what}`)
}

const seconds = async (work: Promise<unknown>) => {
  const begun = performance.now()
  await work
  return (performance.now() - begun) / 1000
}

describe.skipIf(missing.length > 0)("pulls of images", () => {
  let upstream: TestRegistry
  let registry: GatedRegistry
  let server: ServerProcess
  const hangs = ["hangs-a", "hangs-b", "hangs-c", "hangs-d"]

  beforeAll(async () => {
    upstream = await startTestRegistry()
    registry = await startGatedRegistry(upstream.host)
    // Each has a layer of its own, so that none is already present.
    for (const name of ["works/app", "slow/app", "limits/app", ...hangs.map((hang) => `hangs/${hang}`)]) {
      const tag = `localhost/maxcloud-test-pulls-${name.replace("/", "-")}:${process.pid}`
      await buildNginxImage(tag, { "/etc/of": `${name} ${process.pid}` })
      await upstream.push(tag, `${name}:1`)
      await podman("image", "rm", "--force", tag)
    }
    server = new ServerProcess(await freePort(), { MAXCLOUD_INSECURE_REGISTRIES: registry.host })
    await server.start()
  }, 240_000)
  afterAll(async () => {
    await server?.end("SIGKILL")
    server?.remove()
    await registry?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
  })

  const image = (name: string) => `${registry.host}/${name}:1`
  /** Deploys, and returns the service's messages meanwhile. */
  const deploy = async (app: string, names: ReadonlyArray<string>, repository: string) => {
    const told: Array<string> = []
    const onProgress = (progress: DeployProgress) => {
      if (progress._tag === "event") told.push(`${progress.event.reason}: ${progress.event.message}`)
    }
    const services = names.map((name) => ({ name, image: image(repository), port: 80 }))
    const { state } = (await server.client.deploy({ app, services }, { onProgress })).status
    return { state, told }
  }

  it("don't delay deployments of other images if they hang, and stop at once after a delete", async () => {
    for (const name of hangs) {
      const services = [{ name, image: image(`hangs/${name}`), port: 80 }]
      await server.client.deploy({ app: name, services }, { detach: true })
    }
    await until("two hang, and two wait", () => registry.hanging() === 2)
    expect((await server.client.services.get("hangs-a")).status.state).toBe("pending")

    // Two services with one image: pulled once.
    const { state } = await deploy("works", ["web", "worker"], "works/app")
    expect(state).toBe("succeeded")
    const layers = registry.layers.filter((layer) => layer.startsWith("/v2/works/app/"))
    expect(layers).toEqual([...new Set(layers)])
    expect(layers).not.toEqual([])

    const took = await seconds(
      Promise.all(
        hangs.map(async (name) => {
          const { id } = await server.client.services.delete(name)
          await server.client.waitFor(id)
        })
      )
    )
    expect(took).toBeLessThan(15)
    await until("none hangs any more", () => registry.hanging() === 0)
    recordFault(import.meta.filename, {
      fault: "A registry hangs in the middle of four pulls",
      seen: "`deploy` says that they wait and how far they are; other images are pulled and deployed meanwhile",
      recovery: "deleting the service cancels them immediately",
      seconds: Math.round(took * 10) / 10
    })
  }, 240_000)

  it("report their progress while a deployment waits", async () => {
    const { state, told } = await deploy("slow", ["slow"], "slow/app")
    expect(state).toBe("succeeded")
    const progress = told.filter((text) => text.startsWith("Pulling: "))
    expect(progress.length).toBeGreaterThan(1)
    expect(progress.join("\n")).toMatch(/Pulling: Pulling the image: [\d.]+ [kM]B of [\d.]+ [kM]B, [\d.]+ [kM]B\/s/)
  }, 120_000)

  it("wait as long as a registry asks, say so, and then continue", async () => {
    const begun = performance.now()
    const { state, told } = await deploy("limits", ["limited"], "limits/app")
    expect(state).toBe("succeeded")
    expect(told.join("\n")).toMatch(/HTTP 429.*may be asked again in 3 s/)
    expect((performance.now() - begun) / 1000).toBeGreaterThan(3)
    recordFault(import.meta.filename, {
      fault: "A registry answers 429 with Retry-After",
      seen: "`deploy` says “… HTTP 429 …” and when it retries",
      recovery: "automatic, after that time",
      seconds: null
    })
  }, 120_000)

  it("don't delay the server's exit if they hang", async () => {
    for (const name of hangs) {
      const services = [{ name, image: image(`hangs/${name}`), port: 80 }]
      await server.client.deploy({ app: name, services }, { detach: true })
    }
    await until("two hang", () => registry.hanging() === 2)
    expect(await seconds(server.end("SIGTERM"))).toBeLessThan(20)
    await until("none hangs any more", () => registry.hanging() === 0)
    recordFault(import.meta.filename, {
      fault: "The server is stopped while pulls hang",
      seen: "nothing",
      recovery: "the pulls are cancelled",
      seconds: null
    })
  }, 120_000)
})
