import { randomUUID } from "node:crypto"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { freePort } from "./freePort.ts"
import { makeSource } from "./makeSource.ts"
import { groupsWith, processesWith, ServerProcess } from "./serverProcess.ts"

const kills = Number(process.env.MAXCLOUD_KILLS ?? 50)
const source = makeSource(
  `require("node:http").createServer((_, response) => response.end(process.env.VERSION)).listen(process.env.PORT)`
)

describe("a server killed at any moment", async () => {
  const canary = `canary-${randomUUID()}`
  const server = new ServerProcess(await freePort())
  afterAll(async () => {
    await server.end("SIGTERM")
    server.remove()
    source.remove()
  })

  it(`loses no accepted deployment and leaves no orphan, ${kills} times`, { timeout: 30 * 60_000 }, async () => {
    const accepted: Array<string> = []
    let newest = ""
    for (let version = 1; version <= kills; version++) {
      await server.start()
      const spec = {
        app: "app",
        services: [{ name: "app", source: source.folder, env: { VERSION: String(version), CANARY: canary } }]
      }
      const abort = new AbortController()
      const deploying = server.client
        .deploy(spec, {
          detach: true,
          signal: abort.signal,
          onProgress: (progress) => {
            if (progress._tag !== "accepted") return
            accepted.push(progress.deployment.id)
            newest = String(version)
          }
        })
        .catch(() => undefined)
      // Early kills hit the acceptance itself, late ones the start and the switch of traffic.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 1200))
      await server.end("SIGKILL")
      abort.abort()
      await deploying
    }

    await server.start()
    expect(accepted.length).toBeGreaterThan(kills / 4)
    for (const id of accepted) {
      await server.client.waitFor(id).catch(() => undefined)
      const deployment = await server.client.deployments.get(id)
      expect(["succeeded", "superseded"], JSON.stringify(deployment)).toContain(deployment.status.state)
    }
    const answer = await server.ask("app--local.localhost")
    expect(Number(answer.body)).toBeGreaterThanOrEqual(Number(newest))
    expect(groupsWith(canary), "one instance, and none of earlier runs").toHaveLength(1)
    await server.end("SIGTERM")
    expect(processesWith(canary)).toStrictEqual([])
  })
})
