import { createHash, randomBytes } from "node:crypto"
import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { Duplex } from "node:stream"
import { expect, it } from "@effect/vitest"
import { ServiceName, StageName } from "@maxcloud/config-schema"
import { createClient } from "@maxcloud/sdk"
import { Conflict, portWindow, ServiceId } from "@maxcloud/sdk/api"
import { Effect, Redacted } from "effect"
import { type TestApiOptions, testApi, testLocalToken } from "../../../test/api/testApi.ts"
import { shop } from "../../../test/deployments/testServer.ts"
import type { Happening } from "../../tenancy/audit/Audit.ts"
import { connectionsPerOrganization } from "./portHandler.ts"

const id = ServiceId.make(`svc_${"0".repeat(32)}`)
const now = "2026-01-01T00:00:00.000Z"
const service = {
  id,
  name: ServiceName.make("web"),
  app: shop,
  stage: StageName.make("production"),
  organization: "local",
  spec: { name: "web", image: "nginx:1.27" },
  status: {
    state: "ready",
    url: null,
    digest: null,
    conditions: [],
    latestCreatedRevision: null,
    latestReadyRevision: null,
    traffic: [],
    diagnosis: null,
    instances: 1
  },
  deployment: 1,
  suspension: null,
  createdAt: now,
  updatedAt: now
} as const

/** A program of an instance that handles each connection. */
const program = (handle: (socket: Socket) => void) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const open = new Set<Socket>()
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        open.add(socket)
        socket.on("error", () => socket.destroy()).once("close", () => open.delete(socket))
        handle(socket)
      })
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      return { server, open, port: (server.address() as AddressInfo).port }
    }),
    ({ open, server }) =>
      Effect.sync(() => {
        for (const socket of open) socket.destroy()
        server.close()
      })
  )

/** An API whose only instance is the program, and a client of it. */
const served = (handle: (socket: Socket) => void, more: Partial<TestApiOptions> = {}) =>
  Effect.gen(function* () {
    const told: Array<Happening> = []
    const { open, port } = yield* program(handle)
    const { draining, url } = yield* testApi({
      services: {
        get: () => Effect.succeed(service),
        page: () => Effect.succeed({ items: [service], next: null }),
        openPort: () =>
          Effect.acquireRelease(
            Effect.async<Socket, Conflict>((resume) => {
              const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
              socket.once("connect", () => resume(Effect.succeed(socket)))
              socket.once("error", (error) => resume(new Conflict({ detail: error.message })))
            }),
            (socket) => Effect.sync(() => socket.destroy())
          ).pipe(Effect.map((connection) => ({ connection, instance: "web-1" })))
      },
      audit: { append: (...all) => Effect.sync(() => void told.push(...all)) },
      ...more
    })
    const client = createClient({ apiUrl: url, token: Redacted.value(testLocalToken) })
    yield* Effect.addFinalizer(() => Effect.promise(() => client.close()))
    const openPort = async () => {
      const connection = await client.services.openPort("web", 5432)
      return { ...connection, socket: Duplex.fromWeb(connection, { allowHalfOpen: true }) }
    }
    return { client, draining, open, openPort, told }
  })

const textOf = async (stream: AsyncIterable<Buffer>) => {
  let text = ""
  for await (const chunk of stream) text += chunk
  return text
}

const until = async (is: () => boolean) => {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 10))
}

it.scopedLive("carries both directions, and their ends on their own", () =>
  Effect.gen(function* () {
    // Answers only once the client has ended its side, as `nc -N` and databases' clients need it.
    const { openPort, told } = yield* served((socket) => {
      const all: Array<Buffer> = []
      socket.on("data", (chunk) => all.push(chunk))
      socket.on("end", () => socket.end(`got ${Buffer.concat(all).toString()}`))
    })
    yield* Effect.promise(async () => {
      const { instance, socket } = await openPort()
      expect(instance).toBe("web-1")
      socket.end("hello")
      expect(await textOf(socket)).toBe("got hello")
      await until(() => told.some((entry) => entry.action === "services.closePort"))
      const entries = told.map(({ action, subject }) => `${action} ${subject}`)
      expect(entries[0]).toBe("services.openPort service web of shop/production: port 5432")
      expect(entries[1]).toMatch(
        /^services\.closePort service web of shop\/production: port 5432, after \d+ s: 5 bytes to the instance, 9 from it$/
      )
    })
  })
)

it.scopedLive("keeps memory flat with a reader that pauses, and loses no byte of 100 MB", () =>
  Effect.gen(function* () {
    const block = randomBytes(1024 * 1024)
    const blocks = 100
    let produced = 0
    const { openPort } = yield* served((socket) => {
      const more = () => {
        while (produced < blocks) {
          produced += 1
          if (!socket.write(block)) return void socket.once("drain", more)
        }
        socket.end()
      }
      more()
    })
    yield* Effect.promise(async () => {
      const { socket } = await openPort()
      await once(socket, "readable")
      // Nobody reads: the program stands still once all buffers are full.
      let before = -1
      while (before !== produced) {
        before = produced
        await new Promise((resolve) => setTimeout(resolve, 300))
      }
      expect(produced).toBeLessThan(20 + (2 * portWindow) / block.length)
      const digest = createHash("sha256")
      let bytes = 0
      for await (const chunk of socket) {
        digest.update(chunk)
        bytes += chunk.length
      }
      const wanted = createHash("sha256")
      for (let at = 0; at < blocks; at++) wanted.update(block)
      expect([bytes, digest.digest("hex")]).toStrictEqual([blocks * block.length, wanted.digest("hex")])
    })
  })
)

it.scopedLive("uploads 50 MB to a slow program without losing a byte", () =>
  Effect.gen(function* () {
    const { openPort } = yield* served((socket) => {
      const digest = createHash("sha256")
      socket.pause()
      setTimeout(() => socket.resume(), 300)
      socket.on("data", (chunk) => digest.update(chunk))
      socket.on("end", () => socket.end(digest.digest("hex")))
    })
    yield* Effect.promise(async () => {
      const { socket } = await openPort()
      const sent = randomBytes(50 * 1024 * 1024)
      socket.end(sent)
      expect(await textOf(socket)).toBe(createHash("sha256").update(sent).digest("hex"))
    })
  })
)

it.scopedLive("has up to 100 connections at once for an organization, each with its own bytes", () =>
  Effect.gen(function* () {
    const { client, openPort } = yield* served((socket) => socket.pipe(socket))
    yield* Effect.promise(async () => {
      const all = await Promise.all(Array.from({ length: connectionsPerOrganization }, () => openPort()))
      await expect(client.services.openPort("web", 5432)).rejects.toMatchObject({
        _tag: "TooManyRequests",
        message: expect.stringContaining("100 connections")
      })
      const echoes = await Promise.all(
        all.map(({ socket }, index) => {
          socket.end(`connection ${index}`)
          return textOf(socket)
        })
      )
      expect(echoes).toStrictEqual(all.map((_, index) => `connection ${index}`))
    })
  })
)

it.scopedLive("tells the caller why a connection breaks, and closes the program's side when the caller leaves", () =>
  Effect.gen(function* () {
    const { draining, open, openPort } = yield* served((socket) => {
      socket.on("end", () => socket.end()).resume()
      socket.write("hello")
    })
    yield* Effect.promise(async () => {
      const first = await openPort()
      await once(first.socket, "readable")
      await first.close()
      await until(() => open.size === 0)

      const second = await openPort()
      const failed = once(second.socket, "error")
      second.socket.on("data", () => {})
      await Effect.runPromise(draining.begin)
      expect(await failed).toMatchObject([{ _tag: "Unavailable", message: expect.stringContaining("stopping") }])
      await until(() => open.size === 0)
    })
  })
)

it.scopedLive("says why a port can't be reached, and refuses ports that aren't any", () =>
  Effect.gen(function* () {
    const { client, told } = yield* served(() => {}, {
      services: {
        get: () => Effect.succeed(service),
        page: () => Effect.succeed({ items: [service], next: null }),
        openPort: () => new Conflict({ detail: "Nothing listens on port 5432 of the instance." })
      }
    })
    yield* Effect.promise(async () => {
      await expect(client.services.openPort("web", 5432)).rejects.toMatchObject({
        _tag: "Conflict",
        message: expect.stringContaining("Nothing listens")
      })
      const before = told.length
      for (const port of [0, -1, 65_536, 1.5, Number.NaN]) {
        await expect(client.services.openPort("web", port)).rejects.toMatchObject({ _tag: "InvalidRequest" })
      }
      expect(told.length).toBe(before)
    })
  })
)
