import { createServer, type IncomingMessage, type RequestListener, type Server, STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { InvalidRequest, RequestHeaderFieldsTooLarge, RequestTimeout } from "@maxcloud/sdk/api"
import { Context, Effect, Layer } from "effect"
import { guardedBy } from "../../base/node/guarded.ts"
import { maxHeadBytes } from "../../base/proxy/headers.ts"
import { upgradeListener } from "../exec/upgrades.ts"
import { AccessMode } from "../http/AccessMode.ts"
import { keepPace } from "../http/pace.ts"
import { rawProblem } from "../http/problems.ts"
import { apiApp } from "./apiApp.ts"
import { continueWhenRead, letEarlyAnswersArrive } from "./early/earlyAnswers.ts"
import { EarlyRequests } from "./early/earlyRequests.ts"

/** An exception in an event's callback closes only its connection. */
const guardedFor = ({ socket }: IncomingMessage) => guardedBy(() => socket.destroy())

/**
 * The API as a `node:http` server that doesn't listen itself: the front of the port hands requests to it. Requests wait until the
 * API's parts are built, so the server learns first whether the port is free.
 */
export class ApiServer extends Context.Tag("@maxcloud/server/ApiServer")<
  ApiServer,
  {
    readonly server: Server
    readonly early: EarlyRequests
    /** Holds or refuses upgrades while the API isn't served. */
    readonly guardedUpgrades: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  }
>() {
  static readonly layer = Layer.sync(ApiServer, () => {
    const server = createServer({ maxHeaderSize: maxHeadBytes, requestTimeout: 300_000, headersTimeout: 30_000 })
    const early = new EarlyRequests()
    letEarlyAnswersArrive(server)
    server.on("request", early.guardedListener)
    const guardedUpgrades = guardedBy(() => {})(upgradeListener(early.guardedListener))
    server.on("upgrade", guardedUpgrades)
    server.on("checkContinue", (request, response) =>
      guardedFor(request)(() => {
        continueWhenRead(request, response)
        server.emit("request", request, response)
      })()
    )
    server.on("clientError", (error: NodeJS.ErrnoException, socket) =>
      guardedBy(() => socket.destroy())(() => refuseUnreadable(error.code, socket))()
    )
    return { server, early, guardedUpgrades }
  })
}

/** Starts handling the API's requests, and stops when its scope closes. */
export const serveApi = Effect.gen(function* () {
  const { early, guardedUpgrades, server } = yield* ApiServer
  const { pace } = yield* AccessMode
  yield* Effect.acquireRelease(
    Effect.sync(() => keepPace(server, pace)),
    (stop) => Effect.sync(stop)
  )
  const handle = yield* NodeHttpServer.makeHandler(yield* apiApp)
  const handler: RequestListener = (request, response) => guardedFor(request)(() => handle(request, response))()
  const upgrades = guardedBy(() => {})(upgradeListener(handler))
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      server.off("request", early.guardedListener).on("request", handler)
      server.off("upgrade", guardedUpgrades).on("upgrade", upgrades)
      early.admit(handler)
    }),
    () =>
      Effect.sync(() => {
        server.off("request", handler).on("request", early.guardedListener)
        server.off("upgrade", upgrades).on("upgrade", guardedUpgrades)
      })
  )
})

const unreadable = (code: string | undefined) =>
  code === "HPE_HEADER_OVERFLOW"
    ? new RequestHeaderFieldsTooLarge({
        detail: `The request line and the headers are larger than ${maxHeadBytes / 1024} KiB. Send shorter cookies or headers, or send the data in the body.`
      })
    : code === "ERR_HTTP_REQUEST_TIMEOUT"
      ? new RequestTimeout({ detail: "The request didn't arrive in time. Send it again." })
      : new InvalidRequest({ detail: "This isn't valid HTTP/1.1.", errors: [] })

/** Answers unreadable HTTP with a problem document. At that point there is no request object. */
export const refuseUnreadable = (code: string | undefined, socket: Duplex) => {
  if (!socket.writable || code === "ECONNRESET") return void socket.destroy()
  const { body, headers, status } = rawProblem(unreadable(code), undefined)
  const all = { ...headers, "content-length": Buffer.byteLength(body), connection: "close" }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`)
}
