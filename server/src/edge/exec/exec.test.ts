import { createHash } from "node:crypto"
import { once } from "node:events"
import { describe, expect, it } from "@effect/vitest"
import { Conflict, ExecOutput, execChannel, execProtocol, Unauthenticated } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import fc from "fast-check"
import { WebSocket } from "ws"
import { portService as service } from "../../../test/api/servedPort.ts"
import { type TestApiOptions, testApi } from "../../../test/api/testApi.ts"
import { markerName, processTable } from "../../base/host/processTable.ts"
import { makeExecs } from "../../runtimes/local/instances/execs.ts"
import type { ExecProcess, ExecRequest } from "../../runtimes/port/Runtime.ts"
import type { Happening } from "../../tenancy/audit/Audit.ts"
import { sessionsPerOrganization } from "./execSessions.ts"

const { id } = service

const decodeOutput = Schema.decodeUnknownSync(Schema.parseJson(ExecOutput))

/** An API whose service runs programs as processes of this machine. */
const served = (more: Partial<TestApiOptions> = {}) =>
  Effect.gen(function* () {
    const told: Array<Happening> = []
    const running = new Set<ExecProcess>()
    const execs = makeExecs("exec-test")
    const start = ({ command, terminal }: ExecRequest) =>
      execs.start({ command, terminal }, (marker) => {
        const [file = "", ...args] = command
        const env = { PATH: process.env["PATH"], SECRET: "hush", [markerName]: marker }
        return { file, args, options: { cwd: "/", env } }
      })
    const { draining, url } = yield* testApi({
      services: {
        get: (_, wanted) => (wanted === id ? Effect.succeed(service) : Effect.die("unused")),
        exec: (_, __, request) =>
          Effect.acquireRelease(
            Effect.sync(() => {
              const process = start(request)
              running.add(process)
              return { ...process, instance: "web-1" }
            }),
            (process) => Effect.promise(() => process.end().then(() => running.clear()))
          )
      },
      audit: { append: (...all) => Effect.sync(() => void told.push(...all)) },
      ...more
    })
    return { draining, url, told, running }
  })
/** A client on the wire: everything it received, and how the connection ended. */
const connect = (
  url: string,
  options: { readonly headers?: Record<string, string>; readonly protocol?: string } = {}
) => {
  const socket = new WebSocket(
    `${url.replace("http", "ws")}/api/v1/services/${id}/exec`,
    [options.protocol ?? execProtocol],
    {
      headers: options.headers ?? {}
    }
  )
  const got = { stdout: "", stderr: "", messages: [] as Array<ExecOutput>, status: 0, answer: "" }
  socket.on("message", (data: Buffer, isBinary) => {
    if (!isBinary) return void got.messages.push(decodeOutput(data.toString()))
    got[data[0] === execChannel.stdout ? "stdout" : "stderr"] += data.subarray(1).toString()
  })
  socket.on("unexpected-response", (_, response) => {
    got.status = response.statusCode ?? 0
    response.on("data", (chunk: Buffer) => {
      got.answer += chunk
    })
    response.on("close", () => socket.terminate())
    response.resume()
  })
  socket.on("error", () => {})
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()))
  const opened = once(socket, "open")
  opened.catch(() => {})
  return {
    socket,
    got,
    closed: Effect.promise(() => closed),
    opened: Effect.promise(() => opened),
    start: (...command: ReadonlyArray<string>) => socket.send(JSON.stringify({ type: "start", command })),
    write: (text: string) => socket.send(Buffer.concat([Buffer.of(0), Buffer.from(text)])),
    until: (isSo: () => boolean) =>
      Effect.promise(async () => {
        while (!isSo()) await once(socket, "message")
      })
  }
}

const nothingLeft = Effect.promise(async () => {
  const table = await processTable()
  return table.filter((each) => each.marker?.startsWith("exec-test/") && !each.zombie).length === 0
}).pipe(Effect.repeat({ until: (value) => value }), Effect.timeout("20 seconds"))

describe("exec", () => {
  it.scopedLive(
    "runs a program with input, both outputs and its exit code, and keeps the arguments out of the audit log",
    () =>
      Effect.gen(function* () {
        const { told, url } = yield* served()
        const client = connect(url)
        yield* client.opened
        client.start("sh", "-c", "cat; echo err >&2; exit 7", "password-in-an-argument")
        client.write("hello")
        client.socket.send(JSON.stringify({ type: "stdinEnd" }))
        yield* client.closed
        expect([client.got.stdout, client.got.stderr]).toStrictEqual(["hello", "err\n"])
        expect(client.got.messages).toStrictEqual([
          { type: "started", instance: "web-1" },
          { type: "exit", code: 7 }
        ])
        expect(
          told.filter((each) => each.status === 101).map((each) => [each.action, each.outcome, each.subject])
        ).toStrictEqual([["services.exec", "succeeded", 'service web of shop/production: "sh" with 3 arguments']])
        expect(JSON.stringify(told)).not.toContain("password-in")
        yield* nothingLeft
      })
  )

  it.scopedLive("keeps every byte of a large output, however slowly the client reads", () =>
    Effect.gen(function* () {
      const { url } = yield* served()
      const client = connect(url)
      yield* client.opened
      const hash = createHash("sha256")
      let bytes = 0
      client.socket.removeAllListeners("message")
      client.socket.on("message", (data: Buffer, isBinary) => {
        if (!isBinary) return
        bytes += data.length - 1
        hash.update(data.subarray(1))
        client.socket.pause()
        setImmediate(() => client.socket.resume())
      })
      const program = "const b = Buffer.alloc(1 << 20, 7); for (let i = 0; i < 32; i++) process.stdout.write(b)"
      client.start(process.execPath, "-e", program)
      yield* client.closed
      expect(bytes).toBe(32 * 2 ** 20)
      expect(hash.digest("hex")).toBe(
        createHash("sha256")
          .update(Buffer.alloc(32 * 2 ** 20, 7))
          .digest("hex")
      )
    })
  )

  it.scopedLive("stops the program and its children when the client disconnects or the server stops", () =>
    Effect.gen(function* () {
      const { draining, url } = yield* served()
      const client = connect(url)
      yield* client.opened
      // A child in its own session, which ignores the first signal.
      client.start("sh", "-c", "trap '' TERM; setsid sleep 600 & echo up; sleep 600")
      yield* client.until(() => client.got.stdout.includes("up"))
      client.socket.terminate()
      yield* nothingLeft

      const second = connect(url)
      yield* second.opened
      second.start("sh", "-c", "echo up; sleep 600")
      yield* second.until(() => second.got.stdout.includes("up"))
      yield* draining.begin
      yield* second.closed
      expect(JSON.stringify(second.got.messages.at(-1))).toContain("The server is stopping")
      yield* nothingLeft
    })
  )

  it.scopedLive("refuses connections without the right handshake, from other sites, and past the caller's access", () =>
    Effect.gen(function* () {
      const authenticate = () => new Unauthenticated({ detail: "no such token" })
      const { told, url } = yield* served({ authenticator: { authenticate } })
      const plain = yield* Effect.promise(() => fetch(`${url}/api/v1/services/${id}/exec`))
      expect(plain.status).toBe(400)
      const other = connect(url, { protocol: "chat" })
      yield* other.closed
      expect(other.got.status).toBe(400)
      const page = connect(url, { headers: { origin: "https://evil.example" } })
      yield* page.closed
      expect(page.got.status).toBe(403)
      const wrong = connect(url, { headers: { authorization: "Bearer wrong" } })
      yield* wrong.closed
      expect(wrong.got.status).toBe(401)
      expect(told.map((each) => each.outcome)).not.toContain("succeeded")
    })
  )

  it.scopedLive("refuses invalid first messages, and runs nothing for them", () =>
    Effect.gen(function* () {
      const { running, url } = yield* served()
      const bad: ReadonlyArray<unknown> = [
        { type: "start", command: [] },
        { type: "start", command: [""] },
        { type: "start", command: ["a\0b"] },
        { type: "start", command: Array.from({ length: 257 }, () => "a") },
        { type: "start", command: ["a".repeat(40_000)] },
        { type: "start", command: "sh" },
        { type: "start", command: ["sh"], terminal: { columns: 0, rows: 1 } },
        { type: "stdinEnd" },
        ...fc.sample(fc.jsonValue(), 40)
      ]
      for (const message of bad) {
        const client = connect(url)
        yield* client.opened
        client.socket.send(JSON.stringify(message))
        yield* client.closed
        expect(
          client.got.messages.map((message) => message.type),
          JSON.stringify(message).slice(0, 100)
        ).toStrictEqual(["error"])
      }
      expect(running.size).toBe(0)
    })
  )

  it.scopedLive("closes on invalid later messages, and stops the program", () =>
    Effect.gen(function* () {
      const { url } = yield* served()
      for (const message of ["{}", "nonsense", Buffer.of(1, 65), Buffer.of()]) {
        const client = connect(url)
        yield* client.opened
        client.start("sh", "-c", "echo up; sleep 600")
        yield* client.until(() => client.got.stdout.includes("up"))
        client.socket.send(message)
        yield* client.closed
        yield* nothingLeft
      }
    })
  )

  it.scopedLive("limits sessions for each organization, and accepts the next when one has ended", () =>
    Effect.gen(function* () {
      const { url } = yield* served()
      const clients = Array.from({ length: sessionsPerOrganization }, () => connect(url))
      for (const client of clients) {
        yield* client.opened
        client.start("sh", "-c", "echo up; cat")
        yield* client.until(() => client.got.stdout.includes("up"))
      }
      const refused = connect(url)
      yield* refused.closed
      expect(refused.got.status).toBe(429)
      expect(refused.got.answer).toContain("Too many open sessions")
      clients[0]?.socket.terminate()
      for (let opened = false; !opened; ) {
        const next = connect(url)
        opened = yield* Effect.raceFirst(Effect.as(next.opened, true), Effect.as(next.closed, false))
        next.socket.terminate()
      }
      for (const client of clients) client.socket.terminate()
      yield* nothingLeft
    })
  )

  it.scopedLive("explains why no instance accepts the program", () =>
    Effect.gen(function* () {
      const { told, url } = yield* served({
        services: {
          get: () => Effect.succeed(service),
          exec: () => new Conflict({ detail: "no instance" })
        }
      })
      const client = connect(url)
      yield* client.opened
      client.start("sh")
      yield* client.closed
      expect(JSON.stringify(client.got.messages)).toContain('"code":"conflict"')
      expect(told.length).toBeGreaterThanOrEqual(1)
    })
  )
})
