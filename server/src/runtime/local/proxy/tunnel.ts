import { request as httpRequest, type IncomingMessage, STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import type { Upstreams } from "./Exchange.ts"
import { forwardRequest, headerValue, type RawHeaders } from "./headers.ts"
import { instanceGone, type Refusal, refusalResponse, timedOut, unreadable } from "./problem.ts"
import { type Lease, NoInstance, type Route } from "./Route.ts"

const maxAttempts = 12

const messageHead = (status: number, message: string, headers: RawHeaders): string => {
  let head = `HTTP/1.1 ${status} ${message === "" ? (STATUS_CODES[status] ?? "") : message}\r\n`
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  return `${head}\r\n`
}

/** Answers a request whose connection was given up by the HTTP server, and ends the connection. */
export const refuseUpgrade = (request: IncomingMessage, socket: Duplex, refusal: Refusal): void => {
  const { body, headers } = refusalResponse(refusal, headerValue(request.rawHeaders, "accept"))
  headers.push("Connection", "close")
  socket.end(Buffer.concat([Buffer.from(messageHead(refusal.status, "", headers), "latin1"), body]))
}

/** Answers what the HTTP server could not read, and ends the connection. */
export const refuseUnreadable = (code: string | undefined, socket: Duplex): void => {
  const refusal = unreadable(code)
  const { body, headers } = refusalResponse(refusal, undefined)
  headers.push("Connection", "close")
  socket.end(Buffer.concat([Buffer.from(messageHead(refusal.status, "", headers), "latin1"), body]))
}

/** The instance's answer when it does not upgrade: framed by the connection's end. */
const answerPlainly = (response: IncomingMessage, socket: Duplex): void => {
  const headers: Array<string> = []
  for (let i = 0; i + 1 < response.rawHeaders.length; i += 2) {
    const name = response.rawHeaders[i] ?? ""
    if (!/^(connection|keep-alive|transfer-encoding|trailer)$/i.test(name))
      headers.push(name, response.rawHeaders[i + 1] ?? "")
  }
  headers.push("Connection", "close")
  socket.write(messageHead(response.statusCode ?? 502, response.statusMessage ?? "", headers), "latin1")
  response.pipe(socket)
}

/**
 * Passes an upgrade (WebSocket, RFC 6455) on to an instance and joins the two connections. The slot is held until they are closed.
 */
export const tunnel = (
  upstreams: Upstreams,
  route: Route,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  target: { readonly host: string; readonly path: string }
): void => {
  const { counters } = upstreams
  const away = new AbortController()
  const { headers } = forwardRequest(request.rawHeaders, {
    host: target.host,
    remoteAddress: request.socket.remoteAddress
  })
  headers.push("Connection", "Upgrade", "Upgrade", request.headers.upgrade ?? "websocket")
  let lease: Lease | undefined
  let over = false
  let attempts = 0
  let abort: (() => void) | undefined

  const settle = () => {
    if (over) return
    over = true
    clearTimeout(timer)
    counters.active--
    lease?.release()
    lease = undefined
  }
  const refuse = (refusal: Refusal) => {
    settle()
    counters.answered(refusal.status)
    refuseUpgrade(request, socket, refusal)
  }
  const refused = (cause: unknown) => {
    if (over) return
    if (cause instanceof NoInstance)
      refuse({
        status: cause.status,
        slug: cause.slug,
        detail: cause.message,
        retryAfterSeconds: cause.retryAfterSeconds ?? 1
      })
    else
      refuse({
        status: 502,
        slug: "no-instance",
        detail: "The service could not take the request.",
        retryAfterSeconds: 1
      })
  }

  const send = (taken: Lease) => {
    lease = taken
    const up = httpRequest({
      host: taken.host,
      port: taken.port,
      method: request.method ?? "GET",
      path: target.path,
      headers,
      agent: false,
      setHost: false
    })
    let answered = false
    abort = () => up.destroy()
    up.on("upgrade", (response, upSocket, upHead) => {
      answered = true
      clearTimeout(timer)
      if (over) {
        upSocket.destroy()
        return
      }
      counters.answered(101)
      const end = () => {
        settle()
        socket.destroy()
        upSocket.destroy()
      }
      abort = end
      socket.write(messageHead(101, response.statusMessage ?? "", response.rawHeaders), "latin1")
      if (upHead.length > 0) socket.write(upHead)
      if (head.length > 0) upSocket.write(head)
      upSocket.on("error", end)
      // Once one side has closed, the other gets what is under way and then its end.
      upSocket.on("close", () => {
        settle()
        socket.end()
      })
      socket.on("close", () => upSocket.end())
      upSocket.pipe(socket)
      socket.pipe(upSocket)
    })
    up.on("response", (response) => {
      answered = true
      clearTimeout(timer)
      counters.answered(response.statusCode ?? 502)
      response.on("error", () => socket.destroy())
      response.on("close", settle)
      answerPlainly(response, socket)
    })
    up.on("error", (error) => {
      if (over || answered) return
      taken.failed()
      taken.release()
      lease = undefined
      const code = "code" in error ? String(error.code) : error.name
      // A handshake is a GET: sending it twice does no harm.
      if (attempts >= maxAttempts) refuse(instanceGone(code))
      else {
        counters.retries++
        setTimeout(attempt, attempts < 3 ? 0 : Math.min(2 ** attempts, 500))
      }
    })
    up.end()
  }
  const attempt = () => {
    if (over) return
    attempts++
    try {
      const taken = route.acquire(away.signal)
      if (!(taken instanceof Promise)) {
        send(taken)
        return
      }
      counters.held++
      taken.then(
        (late) => {
          counters.held--
          if (over) late.release()
          else send(late)
        },
        (cause: unknown) => {
          counters.held--
          refused(cause)
        }
      )
    } catch (cause) {
      refused(cause)
    }
  }

  counters.requests++
  counters.active++
  const timer = setTimeout(() => {
    if (over) return
    refuse(timedOut(route.timeoutMs))
    away.abort()
    abort?.()
  }, route.timeoutMs)
  socket.on("error", () => socket.destroy())
  socket.on("close", () => {
    if (!over) {
      away.abort()
      abort?.()
      settle()
    }
  })
  attempt()
}
