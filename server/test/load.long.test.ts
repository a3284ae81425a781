import { Worker } from "node:worker_threads"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { freePort } from "./freePort.ts"
import { makeSource } from "./makeSource.ts"
import { ServerProcess } from "./serverProcess.ts"

const connections = 200
const deployments = 30

/** Sends requests without pause on `connections` keep-alive connections until stopped, in a separate thread. */
const load = `
const { parentPort, workerData } = require("node:worker_threads")
const { Agent, request } = require("node:http")
const agent = new Agent({ keepAlive: true, maxSockets: workerData.connections })
const count = { requests: 0, failures: [] }
let going = true
parentPort.on("message", () => { going = false })
const once = () => new Promise((resolve) => {
  const fail = (why) => { count.failures.push(why); resolve() }
  request({ host: "127.0.0.1", port: workerData.port, agent, headers: { host: workerData.host } }, (response) => {
    response.on("error", (error) => fail(String(error)))
    response.on("end", () => { count.requests++; response.statusCode === 200 ? resolve() : fail("status " + response.statusCode) })
    response.resume()
  }).on("error", (error) => fail(String(error))).end()
})
const loop = async () => { while (going) await once() }
Promise.all(Array.from({ length: workerData.connections }, loop)).then(() => { parentPort.postMessage(count); agent.destroy(); process.exit(0) })
`

const source = makeSource(
  `const server = require("node:http").createServer((_, response) => response.end(process.env.VERSION))
server.listen(process.env.PORT)
process.on("SIGTERM", () => server.close())`
)

describe("constant load", async () => {
  const server = new ServerProcess(await freePort())
  afterAll(async () => {
    await server.end("SIGTERM")
    server.remove()
    source.remove()
  })

  it(`fails no request of ${connections} connections while the service is deployed ${deployments} times`, {
    timeout: 15 * 60_000
  }, async () => {
    await server.start()
    const deploy = (version: number) =>
      server.client.deploy({
        app: "app",
        services: [{ name: "app", source: source.folder, env: { VERSION: String(version) }, scale: { min: 1, max: 2 } }]
      })
    await deploy(0)
    const worker = new Worker(load, {
      eval: true,
      workerData: { connections, port: server.port, host: `app--local.localhost:${server.port}` }
    })
    const ended = new Promise<{ requests: number; failures: ReadonlyArray<string> }>((resolve, reject) => {
      worker.once("message", resolve)
      worker.once("error", reject)
    })
    for (let version = 1; version <= deployments; version++) await deploy(version)
    worker.postMessage("stop")
    const { failures, requests } = await ended
    expect(failures.slice(0, 5)).toStrictEqual([])
    expect(requests).toBeGreaterThan(1000)
    expect((await server.ask("app--local.localhost")).body).toBe(String(deployments))
  })
})
