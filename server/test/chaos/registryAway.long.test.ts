import { describe, expect, it } from "@effect/vitest"
import { freePort } from "../freePort.ts"
import { answers, faultServer, makeApp, rejection } from "./faultServer.ts"
import { recordFault } from "./recordFault.ts"

describe("an unreachable registry", () => {
  it("is reported, and delays nothing else", { timeout: 300_000 }, async () => {
    const registry = `127.0.0.1:${await freePort()}`
    const server = await faultServer({ MAXCLOUD_INSECURE_REGISTRIES: registry })
    const app = makeApp()
    await server.start()
    const begun = performance.now()
    const deploying = rejection(
      server.client.deploy({ app: "image", services: [{ name: "image", image: `${registry}/acme/web:1`, port: 80 }] })
    )
    await server.client.deploy(app("1"))
    expect(await answers(server, "1")).toBe(true)
    const words = await deploying
    const seconds = Math.round((performance.now() - begun) / 100) / 10
    expect(words ?? "").toContain(registry)
    recordFault(import.meta.filename, {
      fault: "The registry of an image is unreachable",
      seen: `the deployment is pending, shows the reason, and fails after ${seconds} s: “${/The registry is unreachable[^(]*/.exec(words ?? "")?.[0].trim()}”`,
      recovery: "by the next deploy; other services are deployed meanwhile",
      seconds: null
    })
  })
})
