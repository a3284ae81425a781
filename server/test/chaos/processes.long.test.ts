import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, expect, it } from "@effect/vitest"
import { afterwards, answers, faultServer, makeApp, rejection, secondsUntil } from "./faultServer.ts"
import { recordFault } from "./recordFault.ts"

const root = "/sys/fs/cgroup/pids"

/** A process group with its own limit (cgroup v1, as root); undefined if this machine has none. */
const makeGroup = (name: string): string | undefined => {
  try {
    const folder = join(root, name)
    mkdirSync(folder)
    return folder
  } catch {
    return undefined
  }
}

const threadsOf = (pid: number) => readdirSync(`/proc/${pid}/task`).length

describe("a limit of processes", () => {
  it("is reported, the deployment finishes, and continues with a higher limit", { timeout: 300_000 }, async ({
    skip
  }) => {
    const group = makeGroup(`maxcloud-test-${process.pid}`)
    if (group === undefined) return skip("this machine has no cgroup for processes")
    const server = await faultServer()
    const app = makeApp()
    await server.start()
    await server.client.deploy(app("1"))
    writeFileSync(join(group, "cgroup.procs"), String(server.pid))
    afterwards(() => {
      for (const pid of readFileSync(join(group, "cgroup.procs"), "utf8").split("\n").filter(Boolean))
        writeFileSync(join(root, "cgroup.procs"), pid)
      rmdirSync(group)
    })
    writeFileSync(join(group, "pids.max"), String(threadsOf(server.pid)))
    const many = {
      app: "many",
      services: Array.from({ length: 4 }, (_, n) => ({ ...app("1").services[0], name: `many-${n}` }))
    }
    const begun = performance.now()
    const words = await rejection(server.client.deploy(many))
    const took = Math.round((performance.now() - begun) / 1_000)
    expect(words ?? "").toMatch(/can't start more processes/)
    expect(await answers(server, "1")).toBe(true)
    writeFileSync(join(group, "pids.max"), "max")
    await server.client.deploy(many)
    const seconds = await secondsUntil(async () => (await server.ask("many-3--many--local.localhost")).body === "1", 60)
    assert(seconds !== undefined)
    recordFault(import.meta.filename, {
      fault: "The system refuses to start more processes for the server (`ulimit -u`, `TasksMax`)",
      seen: `the deployment fails after ${took} s: “${/The system starts no more processes[^\n]*/.exec(words ?? "")?.[0]}”; what runs goes on`,
      recovery: "by the next deploy with a higher limit",
      seconds: seconds ?? null
    })
  })
})
