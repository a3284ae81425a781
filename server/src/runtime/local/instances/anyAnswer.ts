import { connect } from "node:net"
import type { ProbeAnswer } from "./probe.ts"

export interface AnswerTarget {
  readonly address: string
  readonly port: number
  readonly protocol: "http1" | "h2c"
  /** The host that the request names. */
  readonly host: string
  readonly timeoutMs: number
  /** Not 0: a forwarder accepts connections, and ends them if nobody listens behind it. */
  readonly settleMs: number
}

/** No program has it, so that none does work for it, and it says in a program's own log where it comes from. */
const path = "/.well-known/maxcloud/alive"

/** The begin of a connection of HTTP/2 (RFC 9113, 3.4): the program's own settings are an answer, without a request. */
const preface = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
])

const helloOf = ({ host, protocol }: AnswerTarget): Buffer =>
  protocol === "h2c"
    ? preface
    : Buffer.from(
        `HEAD ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: kube-probe/maxcloud\r\nConnection: close\r\n\r\n`
      )

/** How long, and how much of, an answer is read: one that nobody reads is an error in many a program's log. */
const lingerMs = 1_000
const mostBytes = 64 * 1024

/**
 * Does a program do anything about a request? Its first byte is enough, whatever it says, and so is the end of the connection: the kernel alone
 * accepts one, and does neither for a program that is frozen.
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
    const hello = helloOf(target)
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
