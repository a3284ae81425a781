import { request as httpRequest, type IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { guardedBy, trying } from "../../../guarded.ts"
import { type Answer, Malformed, parseAnswer, parseSwitch } from "./answer.ts"
import type { Upstreams } from "./Exchange.ts"
import { forwardRequest, headerValue, messageHead } from "./headers.ts"
import { instanceGone, malformedResponse, type Refusal, refusalResponse, timedOut, unreadable } from "./problem.ts"
import { type Lease, NoInstance, type Route } from "./Route.ts"

const maxAttempts = 12

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
const answerPlainly = (response: IncomingMessage, answer: Answer, socket: Duplex): void => {
  const headers = answer.headers.filter((_, i) => answer.headers[i - (i % 2)]?.toLowerCase() !== "trailer")
  headers.push("Connection", "close")
  socket.write(messageHead(answer.status, answer.reason, headers), "latin1")
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
  /** The instance's answer has begun: there can be no other. */
  let joined = false
  const guarded = guardedBy((cause) => {
    trying(() => counters.fault(cause))
    if (over || joined) {
      settle()
      socket.destroy()
    } else refuse(malformedResponse("it cannot be passed on"))
    abort?.()
  })

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
    const malformed = (code: string) => {
      refuse(malformedResponse(code))
      up.destroy()
    }
    up.on(
      "upgrade",
      guarded((response, upSocket, upHead) => {
        answered = true
        clearTimeout(timer)
        const end = () => {
          settle()
          socket.destroy()
          upSocket.destroy()
        }
        upSocket.on("error", guarded(end))
        if (over) {
          upSocket.destroy()
          return
        }
        const switched = parseSwitch(response.statusMessage ?? "", response.rawHeaders)
        if (switched instanceof Malformed) {
          malformed(switched.code)
          upSocket.destroy()
          return
        }
        counters.answered(101)
        joined = true
        abort = end
        socket.write(messageHead(101, switched.reason, switched.headers), "latin1")
        if (upHead.length > 0) socket.write(upHead)
        if (head.length > 0) upSocket.write(head)
        // Once one side has closed, the other gets what is under way and then its end.
        upSocket.on(
          "close",
          guarded(() => {
            settle()
            socket.end()
          })
        )
        socket.on(
          "close",
          guarded(() => upSocket.end())
        )
        upSocket.pipe(socket)
        socket.pipe(upSocket)
      })
    )
    up.on(
      "response",
      guarded((response) => {
        answered = true
        clearTimeout(timer)
        response.on(
          "error",
          guarded(() => socket.destroy())
        )
        if (over) {
          up.destroy()
          return
        }
        const answer = parseAnswer(response.statusCode ?? 0, response.statusMessage ?? "", response.rawHeaders)
        if (answer instanceof Malformed) {
          malformed(answer.code)
          return
        }
        counters.answered(answer.status)
        joined = true
        response.on("close", guarded(settle))
        // Nobody else reads the caller's socket, and one that isn't read never tells that its caller has gone.
        socket.on(
          "end",
          guarded(() => socket.destroy())
        )
        socket.resume()
        answerPlainly(response, answer, socket)
      })
    )
    up.on(
      "error",
      guarded((error) => {
        if (over || answered) return
        const code = "code" in error ? String(error.code) : error.name
        const unreadable = code.startsWith("HPE_")
        if (!unreadable) taken.failed()
        taken.release()
        lease = undefined
        // A handshake is a GET: sending it twice does no harm.
        if (unreadable || attempts >= maxAttempts) refuse(unreadable ? malformedResponse(code) : instanceGone(code))
        else {
          counters.retries++
          setTimeout(guarded(attempt), attempts < 3 ? 0 : Math.min(2 ** attempts, 500))
        }
      })
    )
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
        guarded((late: Lease) => {
          counters.held--
          if (over) late.release()
          else send(late)
        }),
        guarded((cause: unknown) => {
          counters.held--
          refused(cause)
        })
      )
    } catch (cause) {
      refused(cause)
    }
  }

  counters.requests++
  counters.active++
  const timer = setTimeout(
    guarded(() => {
      if (over) return
      refuse(timedOut(route.timeoutMs))
      away.abort()
      abort?.()
    }),
    route.timeoutMs
  )
  socket.on(
    "error",
    guarded(() => socket.destroy())
  )
  socket.on(
    "close",
    guarded(() => {
      if (!over) {
        away.abort()
        abort?.()
        settle()
      }
    })
  )
  guarded(attempt)()
}
