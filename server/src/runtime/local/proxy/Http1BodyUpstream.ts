import { Agent, request } from "node:http"
import { guardedBy } from "../../../guarded.ts"
import type { Attempt, AttemptHandler, Upstream } from "./Attempt.ts"
import { Malformed, parseTrailers } from "./answer.ts"

/**
 * Below the idle time of any usual server (gunicorn: 2 s): a request with a body cannot be repeated, so it must not be given to a
 * connection that the instance is closing.
 */
const idleMs = 1_500

/**
 * HTTP/1.1 to instances for requests with a body, by `node:http`: undici sends the head only with the first byte of the body, so
 * that a caller who waits for the response before it sends anything would wait for ever; and it sends no trailers.
 */
export class Http1BodyUpstream implements Upstream {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, timeout: idleMs })

  send(attempt: Attempt, handler: AttemptHandler): void {
    const { body } = attempt
    let over = false
    let sent = false
    const up = request({
      host: attempt.host,
      port: attempt.port,
      method: attempt.method,
      path: attempt.path,
      headers: attempt.headers,
      agent: this.#agent,
      setHost: false
    })
    const fail = (error: NodeJS.ErrnoException) => {
      if (over) return
      over = true
      attempt.body?.destroy()
      const code = error.code ?? error.name
      handler.onError(code, code.startsWith("HPE_") ? "malformed" : sent ? "dropped" : "unprocessed")
    }
    const guarded = guardedBy((cause) => {
      up.destroy()
      fail(cause instanceof Error ? cause : new Error(String(cause)))
    })
    const start = guarded(() => {
      sent = true
      handler.onSent(() => {
        over = true
        body?.destroy()
        up.destroy()
      })
      if (over || body === undefined) return
      up.flushHeaders()
      body.on(
        "data",
        guarded((chunk: Buffer) => {
          if (!up.write(chunk)) body.pause()
        })
      )
      up.on(
        "drain",
        guarded(() => body.resume())
      )
      body.on(
        "end",
        guarded(() => {
          const raw = parseTrailers(attempt.requestTrailers())
          if (raw instanceof Malformed) throw new Error(raw.code)
          for (let i = 0; i + 1 < raw.length; i += 2) up.addTrailers({ [raw[i] ?? ""]: raw[i + 1] ?? "" })
          up.end()
        })
      )
    })
    up.on(
      "socket",
      guarded((socket) => {
        if (socket.connecting) socket.once("connect", start)
        else start()
      })
    )
    // Between requests the agent ends what is idle; while one runs, the route's own time limit holds.
    up.on(
      "timeout",
      guarded(() => {})
    )
    up.on(
      "information",
      guarded(({ rawHeaders, statusCode }) => {
        if (!over && statusCode !== 100) handler.onInformational(statusCode, rawHeaders)
      })
    )
    up.on(
      "response",
      guarded((response) => {
        if (over) return
        const resume = () => response.resume()
        handler.onHead(response.statusCode ?? 502, response.statusMessage ?? "", response.rawHeaders, resume, false)
        response.on(
          "data",
          guarded((chunk: Buffer) => {
            if (!over && !handler.onData(chunk)) response.pause()
          })
        )
        response.on("error", guarded(fail))
        response.on(
          "end",
          guarded(() => {
            if (over) return
            over = true
            handler.onEnd(response.rawTrailers)
            body?.destroy()
            // Answered before the end of the request: its rest is not sent, and the connection cannot be used again.
            if (!up.writableEnded) up.destroy()
          })
        )
      })
    )
    up.on("error", guarded(fail))
  }

  close(): void {
    this.#agent.destroy()
  }
}
