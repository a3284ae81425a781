import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { Unavailable } from "@maxcloud/sdk/api"
import { guardedBy } from "../../../base/node/guarded.ts"
import { rawProblem } from "../../http/problems.ts"

/** Starting takes a few seconds: a client that calls a moment too early shouldn't notice. */
const longestWaitMs = 10_000
const mostHeld = 256

/** A probe asks about the server's present state. */
const isProbe = ({ url = "" }: IncomingMessage) => /^\/(healthz|readyz)(\?|$)/.test(url)

const refuse = (request: IncomingMessage, response: ServerResponse) => {
  const problem = new Unavailable({ detail: "The server is starting. Try again in a second.", retryAfterSeconds: 1 })
  const { body, headers, status } = rawProblem(problem, request)
  response.writeHead(status, headers).end(body)
}

/**
 * Holds requests that arrive before the API is ready until `admit`, each for at most ten seconds. Probes and any requests beyond
 * 256 get 503 with `Retry-After` at once. So do requests after `admit`: the server is stopping then.
 */
export class EarlyRequests {
  readonly #held = new Map<ServerResponse, (handler: RequestListener) => void>()
  #holds = true

  readonly guardedListener: RequestListener = (request, response) =>
    guardedBy(() => request.socket.destroy())(() => {
      if (this.#holds && this.#held.size < mostHeld && !isProbe(request)) this.#hold(request, response)
      else refuse(request, response)
    })()

  #hold(request: IncomingMessage, response: ServerResponse) {
    const guarded = guardedBy(() => request.socket.destroy())
    const forget = guarded(() => {
      clearTimeout(timer)
      this.#held.delete(response)
    })
    const giveUp = guarded(() => {
      forget()
      refuse(request, response)
    })
    const timer = setTimeout(giveUp, longestWaitMs)
    response.once("close", forget)
    this.#held.set(response, (handler) => {
      forget()
      response.off("close", forget)
      handler(request, response)
    })
  }

  /** Hands over the held requests in their order of arrival. */
  admit(handler: RequestListener) {
    this.#holds = false
    for (const hand of [...this.#held.values()]) hand(handler)
  }
}
