import { once } from "node:events"
import { Duplex, PassThrough, Readable } from "node:stream"
import { setImmediate } from "node:timers/promises"
import { expect, it, vi } from "@effect/vitest"
import { portWindow } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { WebSocket } from "ws"
import { socketPair } from "../../../test/api/socketPair.ts"
import { makeInbox } from "./inbox.ts"
import { PortRelay } from "./portRelay.ts"
import { defaultSessionLimits } from "./SessionLimits.ts"

const taken = (bytes: number) => JSON.stringify({ type: "taken", bytes })

/** A program that sends without end. */
const endless = () => {
  const chunk = Buffer.alloc(64 * 1024)
  const source = new Readable({
    read() {
      this.push(chunk)
    }
  })
  return source.pipe(new PassThrough({ highWaterMark: chunk.length }))
}

it.scopedLive("doesn't read ahead for a client that acknowledges without reading", () =>
  Effect.gen(function* () {
    const { client, socket } = yield* socketPair
    const connection = yield* Effect.acquireRelease(Effect.sync(endless), (each) => Effect.sync(() => each.destroy()))
    const relay = new PortRelay(socket, connection)
    void relay.run(makeInbox(socket), defaultSessionLimits)
    client.pause()
    yield* Effect.promise(async () => {
      const most = 64 * portWindow
      let acknowledged = 0
      while (relay.counts().received < most) {
        const open = Math.min(relay.counts().received - acknowledged, portWindow)
        if (open === 0 && connection.isPaused()) break
        if (open > 0) {
          acknowledged += open
          const arrived = once(socket, "message")
          client.send(taken(open))
          await arrived
        }
        await setImmediate()
      }
      expect(relay.counts().received).toBeLessThan(most)
      expect(socket.bufferedAmount).toBeLessThan(2 * portWindow)
    })
  })
)

it.scopedLive("refuses acknowledgments of more than it has sent, and data after the end", () =>
  Effect.gen(function* () {
    const breaches: ReadonlyArray<(client: WebSocket) => void> = [
      (client) => client.send(taken(6)),
      (client) => {
        client.send(taken(5))
        client.send(taken(1))
      },
      (client) => {
        client.send(JSON.stringify({ type: "end" }))
        client.send(Buffer.from("more"))
      }
    ]
    for (const breach of breaches) {
      const { client, socket } = yield* socketPair
      const connection = new PassThrough()
      const relay = new PortRelay(socket, connection)
      const ended = relay.run(makeInbox(socket), defaultSessionLimits)
      yield* Effect.promise(async () => {
        const got = once(client, "message")
        connection.push("hello")
        await got
        const closed = once(client, "close")
        breach(client)
        expect((await closed)[0]).toBe(1008)
        expect((await ended).fault).toBeUndefined()
      })
    }
  })
)

it.scopedLive("collects its acknowledgments for a client that doesn't read them", () =>
  Effect.gen(function* () {
    const { client, socket } = yield* socketPair
    const connection = new Duplex({ read: () => {}, write: (_, __, done) => done() })
    const relay = new PortRelay(socket, connection)
    void relay.run(makeInbox(socket), defaultSessionLimits)
    const waiting: Array<(error?: Error) => void> = []
    const send = vi.spyOn(socket, "send").mockImplementation((...[, done]: ReadonlyArray<unknown>) => {
      if (typeof done === "function") waiting.push(() => done())
    })
    yield* Effect.promise(async () => {
      for (let n = 0; n < 100; n++) client.send(Buffer.from("x"))
      while (relay.counts().sent < 100) await once(socket, "message")
      await setImmediate()
      expect(send.mock.calls.map(([message]) => message)).toStrictEqual([taken(1)])
      waiting.shift()?.()
      expect(send.mock.calls.at(-1)?.[0]).toBe(taken(99))
    })
  })
)
