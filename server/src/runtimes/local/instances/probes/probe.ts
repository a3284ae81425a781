import { request } from "node:http"
import { connect as connectHttp2 } from "node:http2"
import { connect } from "node:net"
import { outliveStream } from "../../../../base/node/http2Handles.ts"
import type { ProbeSpec } from "../Instance.ts"
import { anyAnswer } from "./anyAnswer.ts"

export interface ProbeTarget {
  readonly host: string
  readonly port: number
  readonly path: string | undefined
  readonly anyAnswer?: ProbeSpec["anyAnswer"]
  readonly timeoutMs: number
  /**
   * A forwarder of the container engine may accept before the instance listens, and then hangs up: only a connection that lasts
   * this long counts. 0: any connection counts.
   */
  readonly settleMs: number
}

/** The result of a check. `closed`: a connection was made, and closed without an answer. */
export type ProbeAnswer =
  | { readonly said: "success" | "refused" | "closed" | "nothing" }
  | { readonly said: "failure"; readonly status: number }

const success: ProbeAnswer = { said: "success" }
const refused: ProbeAnswer = { said: "refused" }
const closed: ProbeAnswer = { said: "closed" }
/** Within the timeout. */
const nothing: ProbeAnswer = { said: "nothing" }

const answerOfError = (cause: NodeJS.ErrnoException): ProbeAnswer => (cause.code === "ECONNREFUSED" ? refused : closed)

const tcp = (target: ProbeTarget): Promise<ProbeAnswer> =>
  new Promise((resolve) => {
    const socket = connect({ host: target.host, port: target.port })
    const timer = setTimeout(() => end(nothing), target.timeoutMs)
    const end = (answer: ProbeAnswer) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    socket.on("error", (cause) => end(answerOfError(cause)))
    socket.on("close", () => end(closed))
    socket.on("end", () => end(closed))
    socket.on("connect", () =>
      target.settleMs === 0 ? end(success) : void setTimeout(() => end(success), target.settleMs)
    )
    // A server that speaks first is listening.
    socket.on("data", () => end(success))
  })

const answerOf = (status: number | undefined): ProbeAnswer => {
  if (status === undefined) return closed
  return status >= 200 && status < 400 ? success : { said: "failure", status }
}
const headers = { "user-agent": "kube-probe/maxcloud", connection: "close" }

const http2 = (target: ProbeTarget, path: string): Promise<ProbeAnswer> =>
  new Promise((resolve) => {
    const session = connectHttp2(
      `http://${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.port}`
    )
    const timer = setTimeout(() => end(nothing), target.timeoutMs)
    const end = (answer: ProbeAnswer) => {
      clearTimeout(timer)
      session.destroy()
      resolve(answer)
    }
    session.on("error", (cause) => end(answerOfError(cause)))
    const stream = session.request({ ":path": path, "user-agent": headers["user-agent"] })
    outliveStream(session, stream)
    stream.on("error", () => end(closed))
    stream.on("response", (response) => end(answerOf(response[":status"])))
    stream.end()
  })

const http = (target: ProbeTarget, path: string): Promise<ProbeAnswer> =>
  new Promise((resolve) => {
    const { host, port, timeoutMs } = target
    const message = request({ host, port, path, headers, agent: false }, (response) =>
      end(answerOf(response.statusCode))
    )
    const timer = setTimeout(() => end(nothing), timeoutMs)
    const end = (answer: ProbeAnswer) => {
      clearTimeout(timer)
      message.destroy()
      resolve(answer)
    }
    message.on("error", (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      // The answer isn't HTTP/1.1: the server only speaks h2c.
      resolve(cause.code?.startsWith("HPE_") ? http2(target, path) : answerOfError(cause))
    })
    message.end()
  })

/**
 * One check by Kubernetes' rules: a TCP connection succeeds, or the path answers 200-399 (without following redirects), within
 * the timeout. With `anyAnswer`, which Kubernetes doesn't have, any answer is enough.
 */
export const probe = (target: ProbeTarget): Promise<ProbeAnswer> => {
  if (target.anyAnswer !== undefined) return anyAnswer({ ...target, ...target.anyAnswer, address: target.host })
  return target.path === undefined ? tcp(target) : http(target, target.path)
}
