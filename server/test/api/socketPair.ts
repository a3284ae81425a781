import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { Effect } from "effect"
import { WebSocket, WebSocketServer } from "ws"

/** The two ends of a WebSocket, until the scope closes. */
export const socketPair = Effect.gen(function* () {
  const server = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const opened = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false })
      await once(opened, "listening")
      return opened
    }),
    (opened) =>
      Effect.sync(() => {
        for (const each of opened.clients) each.terminate()
        opened.close()
      })
  )
  return yield* Effect.promise(async () => {
    const accepted = new Promise<WebSocket>((resolve) => server.once("connection", resolve))
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
    client.on("error", () => {})
    await once(client, "open")
    return { client, socket: await accepted }
  })
})
