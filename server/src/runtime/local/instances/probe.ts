import { request } from "node:http"
import { connect as connectHttp2 } from "node:http2"
import { connect } from "node:net"
import { outliveStream } from "../../../http2Handles.ts"

export interface ProbeTarget {
  readonly host: string
  readonly port: number
  /** Without it a TCP connection. */
  readonly path: string | undefined
  readonly timeoutMs: number
  /**
   * A forwarder of the container engine may accept before the instance listens, and hangs up then: only a connection that
   * lives this long counts. 0: one that is made.
   */
  readonly settleMs: number
}

const tcp = (target: ProbeTarget): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: target.host, port: target.port })
    const timer = setTimeout(() => end(false), target.timeoutMs)
    const end = (answer: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    socket.on("error", () => end(false))
    socket.on("close", () => end(false))
    socket.on("end", () => end(false))
    socket.on("connect", () => (target.settleMs === 0 ? end(true) : void setTimeout(() => end(true), target.settleMs)))
    // A server that speaks first listens.
    socket.on("data", () => end(true))
  })

const isSuccess = (status: number | undefined) => status !== undefined && status >= 200 && status < 400
const headers = { "user-agent": "kube-probe/maxcloud", connection: "close" }

const http2 = (target: ProbeTarget, path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const session = connectHttp2(
      `http://${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.port}`
    )
    const timer = setTimeout(() => end(false), target.timeoutMs)
    const end = (answer: boolean) => {
      clearTimeout(timer)
      session.destroy()
      resolve(answer)
    }
    session.on("error", () => end(false))
    const stream = session.request({ ":path": path, "user-agent": headers["user-agent"] })
    outliveStream(session, stream)
    stream.on("error", () => end(false))
    stream.on("response", (response) => end(isSuccess(response[":status"])))
    stream.end()
  })

const http = (target: ProbeTarget, path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { host, port, timeoutMs } = target
    const message = request({ host, port, path, headers, agent: false }, (response) =>
      end(isSuccess(response.statusCode))
    )
    const timer = setTimeout(() => end(false), timeoutMs)
    const end = (answer: boolean) => {
      clearTimeout(timer)
      message.destroy()
      resolve(answer)
    }
    message.on("error", (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      // An answer that is no HTTP/1.1: a server that knows only h2c.
      resolve(cause.code?.startsWith("HPE_") ? http2(target, path) : false)
    })
    message.end()
  })

/** One check: a TCP connection is made, or the path is answered with 200-399 (redirects are not followed), within the timeout. Kubernetes' rules. */
export const probe = (target: ProbeTarget): Promise<boolean> =>
  target.path === undefined ? tcp(target) : http(target, target.path)
