import { afterAll, describe, expect, it } from "@effect/vitest"
import { freePort } from "./freePort.ts"
import { makeSource } from "./makeSource.ts"
import { ServerProcess } from "./serverProcess.ts"

const source = makeSource(
  `require("node:http").createServer((_, response) => response.end(process.env.K_SERVICE)).listen(process.env.PORT)`
)

describe("an app of many services", async () => {
  const server = new ServerProcess(await freePort())
  afterAll(async () => {
    await server.end("SIGTERM")
    server.remove()
    source.remove()
  })

  it("deploys 500 services in a time proportional to that of 50", { timeout: 20 * 60_000 }, async () => {
    await server.start()
    const deploy = async (count: number) => {
      const start = Date.now()
      await server.client.deploy({
        app: `app-${count}`,
        services: Array.from({ length: count }, (_, index) => ({
          name: `s${count}-${index}`,
          source: source.folder,
          scale: { idle: "6s" }
        }))
      })
      return Date.now() - start
    }
    const fifty = await deploy(50)
    const fiveHundred = await deploy(500)
    console.log(`50 services: ${fifty} ms, 500 services: ${fiveHundred} ms`)
    expect(await server.client.services.list()).toHaveLength(550)
    expect((await server.ask("s500-499--app-500--local.localhost")).body).toBe("s500-499")
    expect(fiveHundred).toBeLessThan(fifty * 25)
  })
})
