import { createHash, randomBytes } from "node:crypto"
import { once } from "node:events"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { finished } from "node:stream/promises"
import { expect, it } from "@effect/vitest"
import { Conflict, portWindow } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { portService, servedPort } from "../../../test/api/servedPort.ts"
import { connectionsPerOrganization } from "./portHandler.ts"

const textOf = async (stream: AsyncIterable<Buffer>) => {
  let text = ""
  for await (const chunk of stream) text += chunk
  return text
}

/** Lets everything else that the server can do now happen, however slow the machine is. */
const roundTrips = async (echo: Duplex) => {
  for (let n = 0; n < 50; n++) {
    const back = once(echo, "data")
    echo.write("x")
    await back
  }
}

it.scopedLive("carries both directions, and their ends on their own", () =>
  Effect.gen(function* () {
    // Answers only once the client has ended its side, as `nc -N` and databases' clients need it.
    const { openPort, told, until } = yield* servedPort((socket) => {
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
    const { openPort } = yield* servedPort((socket) => {
      if (produced > 0) return void socket.pipe(socket)
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
      const echo = (await openPort()).socket
      let before = -1
      while (before !== produced) {
        before = produced
        await roundTrips(echo)
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
    let slow: Socket | undefined
    const { openPort } = yield* servedPort((socket) => {
      if (slow !== undefined) return void socket.pipe(socket)
      slow = socket
      const digest = createHash("sha256")
      socket.on("data", (chunk) => digest.update(chunk)).pause()
      socket.on("end", () => socket.end(digest.digest("hex")))
    })
    yield* Effect.promise(async () => {
      const { socket } = await openPort()
      const sent = randomBytes(50 * 1024 * 1024)
      socket.end(sent)
      await roundTrips((await openPort()).socket)
      slow?.resume()
      expect(await textOf(socket)).toBe(createHash("sha256").update(sent).digest("hex"))
    })
  })
)

it.scopedLive("has up to 100 connections at once for an organization, each with its own bytes", () =>
  Effect.gen(function* () {
    const { client, openPort } = yield* servedPort((socket) => socket.pipe(socket))
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
    const { draining, open, openPort, until } = yield* servedPort((socket) => {
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
    const { client, told } = yield* servedPort(() => {}, {
      services: {
        get: () => Effect.succeed(portService),
        page: () => Effect.succeed({ items: [portService], next: null }),
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

it.scopedLive("ends an idle connection without saying that the caller may not connect", () =>
  Effect.gen(function* () {
    const { open, openPort, until } = yield* servedPort((socket) => socket.pipe(socket), {
      sessionLimits: { idleMs: 300 }
    })
    yield* Effect.promise(async () => {
      for (let n = 0; n < 2; n++) {
        const { socket } = await openPort()
        await expect(finished(socket.resume())).rejects.toMatchObject({
          _tag: "RequestTimeout",
          message: expect.stringContaining("Nothing was sent for 300ms")
        })
        await until(() => open.size === 0)
      }
    })
  })
)

it.scopedLive("closes a connection that the caller has ended and the program never does", () =>
  Effect.gen(function* () {
    // Like a server with keep-alive on Kubernetes, where the end doesn't reach it.
    const { openPort, told, until } = yield* servedPort((socket) => socket.once("data", () => socket.write("answer")), {
      sessionLimits: { halfOpenMs: 300 }
    })
    yield* Effect.promise(async () => {
      const { socket } = await openPort()
      const got: Array<Buffer> = []
      socket.on("data", (chunk) => got.push(chunk)).end("question")
      await expect(finished(socket)).rejects.toMatchObject({ _tag: "RequestTimeout" })
      expect(Buffer.concat(got).toString()).toBe("answer")
      await until(() => told.some(({ action }) => action === "services.closePort"))
    })
  })
)
