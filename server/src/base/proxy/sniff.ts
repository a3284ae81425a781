import type { Socket } from "node:net"
import type { Guarded } from "./connectionGuards.ts"

/** The first bytes of HTTP/2 with prior knowledge (RFC 9113, 3.4). No method of HTTP/1.1 begins with them. */
const preface = "PRI"

/** Waits for a connection's first bytes, which show the version of HTTP, and passes them on with the connection. */
export const sniff = (
  socket: Socket,
  headMs: number,
  guarded: Guarded,
  give: (socket: Socket, first: Buffer, http2Spoken: boolean) => void
): void => {
  let seen: Buffer | undefined
  const tooLate = guarded(() => socket.destroy())
  const stop = () => {
    socket.off("data", onData)
    socket.off("error", tooLate)
    socket.off("end", tooLate)
    socket.off("timeout", tooLate)
    socket.setTimeout(0)
  }
  const onData = guarded((chunk: Buffer) => {
    const bytes = seen === undefined ? chunk : Buffer.concat([seen, chunk])
    const start = bytes.toString("latin1", 0, preface.length)
    if (start.length < preface.length && preface.startsWith(start)) {
      seen = bytes
      return
    }
    stop()
    give(socket, bytes, start === preface)
  })
  socket.on("error", tooLate)
  socket.on("end", tooLate)
  socket.setTimeout(headMs, tooLate)
  socket.on("data", onData)
}
