import type { RawData, WebSocket } from "ws"
import { guardedBy } from "../../base/node/guarded.ts"

type Take = (data: RawData, isBinary: boolean) => void

/** Queues a client's messages without losing any: while nobody takes them, the connection pauses. */
export interface Inbox {
  readonly take: (taker: Take) => void
  readonly wait: () => void
}

export const makeInbox = (socket: WebSocket): Inbox => {
  const early: Array<Parameters<Take>> = []
  let taker: Take | undefined
  const onMessage = guardedBy(() => socket.terminate())((data: RawData, isBinary: boolean) => {
    if (taker !== undefined && early.length === 0) return taker(data, isBinary)
    // Data already read may still arrive: at most one read of the connection.
    early.push([data, isBinary])
    socket.pause()
  })
  socket.on("message", onMessage)
  const deliver = () => {
    while (taker !== undefined) {
      const message = early.shift()
      if (message === undefined) return socket.resume()
      taker(...message)
    }
  }
  return {
    take: (next) => {
      taker = next
      deliver()
    },
    wait: () => {
      taker = undefined
    }
  }
}
