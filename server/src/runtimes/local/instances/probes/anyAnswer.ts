import { connect } from "node:net"
import { aliveRequest, http2Preface } from "./aliveRequest.ts"
import type { ProbeAnswer } from "./probe.ts"

export interface AnswerTarget {
  readonly address: string
  readonly port: number
  readonly protocol: "http1" | "h2c"
  /** The host named in the request. */
  readonly host: string
  readonly timeoutMs: number
  /** Not 0: a forwarder accepts connections, and closes them if nobody listens behind it. */
  readonly settleMs: number
}

/** How long, and how much, to read of an answer: many programs log an error if nobody reads it. */
const lingerMs = 1_000
const mostBytes = 64 * 1024

/**
 * Does a program react to a request? Its first byte is enough, whatever it is, and so is a closed connection: the kernel accepts
 * connections for a frozen program, but does neither.
 */
export const anyAnswer = (target: AnswerTarget): Promise<ProbeAnswer> =>
  new Promise((resolve) => {
    const socket = connect({ host: target.address, port: target.port })
    let isOver = false
    let bytes = 0
    const end = (answer: ProbeAnswer) => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      resolve(answer)
    }
    const timer = setTimeout(() => {
      socket.destroy()
      end({ said: "nothing" })
    }, target.timeoutMs)
    const hello = target.protocol === "h2c" ? http2Preface : aliveRequest(target.host)
    socket.on("connect", () => socket.write(hello))
    socket.on("data", (chunk) => {
      bytes += chunk.length
      if (!isOver && target.protocol === "h2c") socket.end()
      if (!isOver) setTimeout(() => socket.destroy(), lingerMs).unref()
      if (bytes > mostBytes) socket.destroy()
      end({ said: "success" })
    })
    const closed: ProbeAnswer = { said: target.settleMs === 0 ? "success" : "closed" }
    socket.on("end", () => end(closed))
    socket.on("error", (cause: NodeJS.ErrnoException) =>
      end(cause.code === "ECONNRESET" ? closed : { said: "refused" })
    )
    socket.on("close", () => end(closed))
  })
