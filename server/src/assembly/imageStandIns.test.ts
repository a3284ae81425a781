import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { defineConfig, secret, service } from "@maxcloud/sdk/config"
import { vi } from "vitest"
import { type Embedded, embedded, type ImageStandIn, type StandInInstance } from "./index.ts"

const program = `
require("node:http").createServer((request, response) =>
  response.end(JSON.stringify({ url: request.url, greeting: process.env.GREETING, args: process.argv.slice(2) }))
).listen(process.env.PORT)
`

const isOpen = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ host: "127.0.0.1", port })
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false))
    socket.once("connect", () => socket.destroy())
  })

/** Holds its first request until the test lets it respond. */
const makeHeld = () => {
  let begin = () => {}
  let end = () => {}
  const began = new Promise<void>((resolve) => {
    begin = resolve
  })
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const handler = async (request: Request) => {
    // The server itself probes whether it speaks HTTP.
    if (new URL(request.url).pathname !== "/slow") return new Response("ready")
    begin()
    await ended
    return new Response("at last")
  }
  return { handler, began, end: () => end() }
}

describe("a stand-in for an image", () => {
  let folder = ""
  let cloud: Embedded
  let seen: StandInInstance | undefined
  const held = makeHeld()

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "maxcloud-standin-"))
    writeFileSync(join(folder, "fake.js"), program)
    // As root, programs run as another user.
    chmodSync(folder, 0o755)
    // No container engine, as on a machine with neither podman nor docker.
    vi.stubEnv("PATH", folder)
    const images: Record<string, ImageStandIn> = {
      "registry.invalid/acme/billing": async (request, instance) => {
        seen = instance
        if (new URL(request.url).pathname === "/fails") throw new Error("no more paper")
        return Response.json({ method: request.method, body: await request.text(), all: true }, { status: 201 })
      },
      "registry.invalid/acme/slow": held.handler,
      "registry.invalid/acme/billing:2": () => new Response("exactly 2"),
      "registry.invalid/acme/web": async (_, { env }) => fetch(`${env["BILLING_URL"]}/invoices`, { method: "PUT" }),
      "registry.invalid/acme/fake:1": { command: ["node", "fake.js", "$(GREETING)"], cwd: folder }
    }
    cloud = await embedded({ images })
  })
  afterAll(async () => {
    await cloud?.close()
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true, force: true })
  })

  it("answers without a registry or an engine, with the container's environment and files", async () => {
    const billing = service("billing", {
      image: "registry.invalid/acme/billing:1",
      env: { TOKEN: secret("TOKEN", { generate: 32 }), PLAIN: "yes" },
      files: { "/etc/token": secret("TOKEN", { generate: 32 }) },
      probes: { readiness: { path: "/ready" } },
      port: 9000
    })
    await cloud.client.deploy(defineConfig({ app: "pay", services: [billing] }))
    const response = await cloud.fetch("billing", "/pay", { method: "POST", body: "5 €" })
    expect(response.status).toBe(201)
    expect(await response.json()).toStrictEqual({ method: "POST", body: "5 €", all: true })
    expect(seen?.env).toMatchObject({ PLAIN: "yes", K_SERVICE: "billing", TOKEN: expect.stringMatching(/^.{32,}$/) })
    expect(seen?.files).toStrictEqual({ "/etc/token": seen?.env["TOKEN"] })
    // Nothing from this process's own environment.
    expect(seen?.env).not.toHaveProperty("PATH")
  })

  it("shows in the plan and in the status, and has no digest", async () => {
    const billing = service("billing", { image: "registry.invalid/acme/billing:7" })
    const config = defineConfig({ app: "seen", services: [billing] })
    const plan = await cloud.client.plan(config)
    expect(plan.warnings.map(({ detail }) => detail)).toContainEqual(expect.stringContaining("a stand-in for it"))
    expect(JSON.stringify(plan)).not.toContain("sha256:")
    await cloud.client.deploy(config)
    const { status } = await cloud.client.services.get("billing", { app: "seen" })
    expect(status.state).toBe("ready")
    expect(status.instances).toBe(1)
    expect(status.diagnosis).toMatchObject({
      code: "ImageStandIn",
      message: expect.stringContaining("registry.invalid/acme/billing:7 isn't run")
    })
    expect((await cloud.client.plan(config)).changes).toMatchObject([{ action: "unchanged" }])
  })

  it("prefers the exact image over its name alone", async () => {
    await cloud.client.deploy({
      app: "exact",
      services: [{ name: "billing", image: "registry.invalid/acme/billing:2" }]
    })
    expect(await (await cloud.fetch("billing", "/", { app: "exact" })).text()).toBe("exactly 2")
  })

  it("can link to services and be linked to", async () => {
    const billing = service("billing", { image: "registry.invalid/acme/billing:1", visibility: "internal" })
    const web = service("web", { image: "registry.invalid/acme/web:1", env: { BILLING_URL: billing.url } })
    await cloud.client.deploy(defineConfig({ app: "linked", services: [billing, web] }))
    const response = await cloud.fetch("web", "/", { app: "linked" })
    expect(await response.json()).toMatchObject({ method: "PUT", all: true })
  })

  it("can be a program, which gets the environment and its port", async () => {
    await cloud.client.deploy({
      app: "program",
      services: [
        { name: "fake", image: "registry.invalid/acme/fake:1", args: ["not", "these"], env: { GREETING: "Hello" } }
      ]
    })
    expect(await (await cloud.fetch("fake", "/x")).json()).toStrictEqual({
      url: "/x",
      greeting: "Hello",
      args: ["Hello"]
    })
  })

  it("answers 500 without the reason if it throws, and writes the reason to the service's log", async () => {
    const response = await cloud.fetch("billing", "/fails", { app: "pay" })
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain("paper")
    await vi.waitFor(
      async () => {
        const lines: Array<string> = []
        for await (const { line } of cloud.client.logs("billing", { app: "pay" })) lines.push(line)
        expect(lines).toContainEqual(expect.stringContaining("no more paper"))
      },
      { timeout: 10_000 }
    )
  })

  it("stops with its instance", async () => {
    await cloud.fetch("billing", "/pay", { method: "POST", body: "", app: "pay" })
    const port = Number(seen?.env["PORT"])
    expect(await isOpen(port)).toBe(true)
    await cloud.client.services.pause("billing", { app: "pay" })
    await vi.waitFor(async () => expect(await isOpen(port)).toBe(false), { timeout: 10_000 })
    await cloud.client.services.resume("billing", { app: "pay" })
    expect((await cloud.fetch("billing", "/pay", { method: "POST", body: "", app: "pay" })).status).toBe(201)
    expect(Number(seen?.env["PORT"])).not.toBe(port)
  })

  it("scales to zero and wakes up on a request, without real waiting", async () => {
    const app = "idle"
    await cloud.client.deploy({ app, services: [{ name: "billing", image: "registry.invalid/acme/billing:1" }] })
    await cloud.fetch("billing", "/", { method: "POST", body: "", app })
    const port = Number(seen?.env["PORT"])
    const instances = async () => (await cloud.client.services.get("billing", { app })).status.instances
    await cloud.advanceAutoscaler(30)
    expect(await instances()).toBe(1)
    await cloud.advanceAutoscaler(60)
    await vi.waitFor(async () => expect(await instances()).toBe(0), { timeout: 10_000 })
    await vi.waitFor(async () => expect(await isOpen(port)).toBe(false), { timeout: 10_000 })
    expect((await cloud.fetch("billing", "/", { method: "POST", body: "", app })).status).toBe(201)
    expect(Number(seen?.env["PORT"])).not.toBe(port)
  })

  it("keeps running while it has a request", async () => {
    const app = "busy"
    await cloud.client.deploy({ app, services: [{ name: "slow", image: "registry.invalid/acme/slow:1" }] })
    const response = cloud.fetch("slow", "/slow", { app })
    await held.began
    await cloud.advanceAutoscaler(300)
    expect((await cloud.client.services.get("slow", { app })).status.instances).toBe(1)
    held.end()
    expect(await (await response).text()).toBe("at last")
  })

  it.each([0, -1, 0.5, 3601, Number.NaN])("doesn't advance by %d seconds", async (seconds) => {
    await expect(cloud.advanceAutoscaler(seconds)).rejects.toThrow(/whole number from 1 to 3600/)
  })

  it("can't be a function for h2c, and the error says what to use instead", async () => {
    const { problems } = await cloud.client.plan({
      app: "grpc",
      services: [{ name: "billing", image: "registry.invalid/acme/billing:1", protocol: "h2c" }]
    })
    expect(problems).toMatchObject([
      { pointer: "/spec/services/0/protocol", detail: expect.stringContaining("Give a `command`") }
    ])
  })

  it("can't be a command for an organization that may run no processes, but can be a function", async () => {
    const images: Record<string, ImageStandIn> = {
      "registry.invalid/acme/fake": { command: ["node", "fake.js"], cwd: folder },
      "registry.invalid/acme/billing": () => new Response("paid")
    }
    const other = await embedded({ organization: "acme", images })
    try {
      const service = (image: string) => ({ app: "pay", services: [{ name: "pay", image }] })
      await expect(other.client.deploy(service("registry.invalid/acme/fake:1"))).rejects.toThrow(
        /its stand-in is a command.*Only the organization "local".*Use a function/
      )
      await other.client.deploy(service("registry.invalid/acme/billing:1"))
      expect(await (await other.fetch("pay")).text()).toBe("paid")
    } finally {
      await other.close()
    }
  })

  it("is suggested if an image has neither an engine nor a stand-in", async () => {
    const { problems } = await cloud.client.plan({
      app: "none",
      services: [{ name: "web", image: "registry.invalid/acme/other:1" }]
    })
    expect(problems).toMatchObject([{ detail: expect.stringContaining("`embedded({ images })` can run a stand-in") }])
  })
})

describe("the option `images` of embedded()", () => {
  // A plain JavaScript program can pass these.
  const plain: (options: object) => Promise<Embedded> = embedded
  const refusal = (images: unknown) =>
    plain({ images }).then(
      async (cloud: Embedded) => {
        await cloud.close()
        return expect.unreachable("the server accepted it")
      },
      (error: Error) => error.message
    )

  it.each([
    [{ "not an image": () => new Response() }, /"not an image" isn't an image/],
    [{ "acme/api": "node fake.js" }, /acme\/api: Give a function that handles requests, or \{ command/],
    [{ "acme/api": { command: [] } }, /Give a function/],
    [{ "acme/api": { command: ["node"], folder: "." } }, /Give a function/],
    [null, /embedded\(\{ images \}\)/]
  ])("refuses %j before anything starts", async (images, message) => {
    expect(await refusal(images)).toMatch(message)
  })
})
