import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { freePort } from "./freePort.ts"
import { makeSource } from "./makeSource.ts"
import { makePidsCgroup, type PidsCgroup } from "./pidsCgroup.ts"
import { ServerProcess } from "./serverProcess.ts"

describe("a server that may start no more processes", () => {
  const source = makeSource(
    `require("node:http").createServer((_, response) => response.end("hello")).listen(process.env.PORT)`
  )
  const cgroup: PidsCgroup | string = makePidsCgroup()
  let server: ServerProcess
  beforeAll(async () => {
    server = new ServerProcess(await freePort())
    if (typeof cgroup === "string") return
    await server.start()
    cgroup.add(server.pid)
  })
  afterAll(async () => {
    if (typeof cgroup === "object") cgroup.allow("any")
    await server.end("SIGTERM")
    server.remove()
    source.remove()
    if (typeof cgroup === "object") cgroup.remove()
  })

  it("reports the limit, keeps its instances running, and starts the waiting ones when the limit rises", async ({
    skip
  }) => {
    if (typeof cgroup === "string") {
      skip(cgroup)
      return
    }
    const { client } = server
    cgroup.allow(0)
    const names = ["one", "two", "three", "four"]
    const services = names.map((name) => ({ name, source: source.folder, scale: { min: 1 } }))
    const accepted = await client.deploy({ app: "app", services }, { detach: true })
    const words = /The system can't start more processes or threads for the server\. Raise the limit \(`ulimit -u`/
    for (let i = 0; ; i++) {
      const found = await client.services.list()
      const told = found.filter((each) => words.test(JSON.stringify([each.status.diagnosis, each.status.conditions])))
      if (told.length === names.length) break
      expect(
        i,
        JSON.stringify(found.map((each) => [each.name, each.status.diagnosis, each.status.conditions]))
      ).toBeLessThan(300)
      await sleep(100)
    }
    cgroup.allow("any")
    const deployed = await client.waitFor(accepted.id)
    expect(deployed.status.state).toBe("succeeded")
    for (const name of names) expect((await server.ask(`${name}--app--local.localhost`)).body).toBe("hello")
  })
})
