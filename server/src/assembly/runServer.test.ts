import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, expect, it } from "@effect/vitest"
import { isRunning } from "../base/host/processIdentity.ts"

const main = join(import.meta.dirname, "main.ts")

/** Collects a stream's text, and waits until it contains a string. */
const listener = (stream: NodeJS.ReadableStream | Socket) => {
  let text = ""
  const waiting = new Set<() => void>()
  stream.on("data", (chunk: Buffer) => {
    text += chunk.toString()
    for (const look of waiting) look()
  })
  const until = (words: RegExp) =>
    new Promise<RegExpExecArray>((resolve) => {
      const look = () => {
        const match = words.exec(text)
        if (match === null) return
        waiting.delete(look)
        resolve(match)
      }
      waiting.add(look)
      look()
    })
  return { until, text: () => text }
}

const start = (dataDir: string, environment: Record<string, string> = {}) => {
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, MAXCLOUD_DATA_DIR: dataDir, MAXCLOUD_PORT: "0", MAXCLOUD_LOG: "json", ...environment }
  })
  return { child, out: listener(child.stdout), log: listener(child.stderr), ended: once(child, "exit") }
}

const portOf = async (server: ReturnType<typeof start>) =>
  Number((await server.out.until(/listens on http:\/\/127\.0\.0\.1:(\d+)/))[1])

const postgresOf = (dataDir: string) =>
  Number(readFileSync(join(dataDir, "postgres/data/postmaster.pid"), "utf8").split("\n")[0])

/** A request with half of its body sent. */
const half = async (port: number) => {
  const socket = connect(port, "127.0.0.1")
  await once(socket, "connect")
  socket.on("error", () => {})
  socket.write(
    "POST /api/v1/services HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n"
  )
  const answer = listener(socket)
  // The server asks for the body, so it has the request.
  await answer.until(/100 Continue/)
  socket.write("{}")
  return { socket, answer }
}

describe("the server's process", () => {
  let dataDir: string
  let children: Array<ChildProcess>
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "maxcloud-run-"))
    children = []
  })
  afterEach(() => {
    for (const child of children) child.kill("SIGKILL")
    rmSync(dataDir, { recursive: true, force: true })
  })
  const run = (environment: Record<string, string> = {}) => {
    const server = start(dataDir, environment)
    children.push(server.child)
    return server
  }

  it("drains requests on SIGTERM, then stops with its database, and exits at once on a second signal", async () => {
    const first = run()
    const { answer, socket } = await half(await portOf(first))
    first.child.kill("SIGTERM")
    await first.log.until(/stopping/)
    socket.write("[]")
    await answer.until(/HTTP\/1\.1 400 .*invalid_request/s)
    expect(await first.ended).toStrictEqual([0, null])
    expect(existsSync(join(dataDir, "postgres/data/postmaster.pid"))).toBe(false)
    expect(first.log.text().trim()).not.toHaveLength(0)
    for (const line of first.log.text().trim().split("\n")) assert(typeof JSON.parse(line).message === "string")

    const second = run()
    const { socket: held } = await half(await portOf(second))
    second.child.kill("SIGINT")
    await second.log.until(/stopping/)
    second.child.kill("SIGINT")
    expect(await second.ended).toStrictEqual([130, null])
    held.destroy()

    // Adopts the leftovers, and stops them cleanly this time.
    const third = run()
    await portOf(third)
    third.child.kill("SIGTERM")
    expect(await third.ended).toStrictEqual([0, null])
  }, 120_000)

  it.each(["removed", "replaced"])(
    "stops with a message, and stops its database, if its data folder is %s",
    async (how) => {
      const server = run()
      await portOf(server)
      const postgres = postgresOf(dataDir)
      expect(isRunning(postgres)).toBe(true)
      if (how === "removed") rmSync(dataDir, { recursive: true })
      else {
        renameSync(dataDir, `${dataDir}.aside`)
        mkdirSync(dataDir)
      }
      expect(await server.ended).toStrictEqual([1, null])
      rmSync(`${dataDir}.aside`, { recursive: true, force: true })
      expect(server.log.text()).toContain(`maxcloud: The data folder ${dataDir} was removed or replaced`)
      expect(server.log.text()).toContain("maxcloud server restore")
      expect(isRunning(postgres)).toBe(false)
    },
    120_000
  )

  it("leaves no database behind if it's stopped just after its data folder was removed", async () => {
    const server = run()
    await portOf(server)
    const postgres = postgresOf(dataDir)
    rmSync(dataDir, { recursive: true })
    server.child.kill("SIGTERM")
    const [code] = await server.ended
    expect([0, 1]).toContain(code)
    expect(isRunning(postgres)).toBe(false)
  }, 120_000)

  it("reports an invalid setting", async () => {
    const server = run({ MAXCLOUD_HOST: "0.0.0.0", MAXCLOUD_AUTH: "local" })
    expect(await server.ended).toStrictEqual([1, null])
    expect(server.log.text()).toMatch(
      /^maxcloud: with MAXCLOUD_AUTH=local the server can't listen on "0\.0\.0\.0".*could deploy/
    )
    expect(existsSync(join(dataDir, "postgres"))).toBe(false)
  }, 120_000)

  it("is the only one in its data folder", async () => {
    const first = run()
    await portOf(first)
    const second = run()
    expect(await second.ended).toStrictEqual([1, null])
    expect(second.log.text()).toMatch(/maxcloud: .*/)
    expect(second.log.text()).toContain(dataDir)
    first.child.kill("SIGTERM")
    expect(await first.ended).toStrictEqual([0, null])
  }, 120_000)
})
