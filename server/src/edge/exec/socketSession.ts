import { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { CurrentOrganization, type InvalidRequest, Unavailable } from "@maxcloud/sdk/api"
import { Effect, Schedule } from "effect"
import type { WebSocket } from "ws"
import { guardedBy } from "../../base/node/guarded.ts"
import { Draining } from "../http/Draining.ts"
import { currentAsked, documentOf, internalError, invalidRequest, isApiError } from "../http/problems.ts"
import { type Inbox, makeInbox } from "./inbox.ts"
import { StillAllowed } from "./StillAllowed.ts"
import { acceptUpgrade, type Upgrade, upgradeOf } from "./upgrades.ts"

/** How often to recheck the caller's access: a caller who lost it may continue this long. */
const checkEvery = "10 seconds"
/** Timeout for the first message. */
const startWithin = "10 seconds"

const goodbyeMs = 2_000

const isFor = ({ request }: Upgrade, protocol: string) =>
  request.headers.upgrade?.toLowerCase() === "websocket" &&
  (request.headers["sec-websocket-protocol"] ?? "").split(",").some((offered) => offered.trim() === protocol)

const left = () => new Unavailable({ detail: "The caller disconnected.", retryAfterSeconds: 1 })

/** A client's first message. `says`: what it names, for the refusal of a late one. */
export const startOf = <A>(
  socket: WebSocket,
  inbox: Inbox,
  says: string,
  decode: (text: string | undefined) => Effect.Effect<A, InvalidRequest>
) =>
  Effect.async<string | undefined, Unavailable>((resume) => {
    inbox.take((data, isBinary) => {
      // Later messages wait for what it starts.
      inbox.wait()
      resume(Effect.succeed(isBinary ? undefined : String(data)))
    })
    const guarded = guardedBy(() => socket.terminate())
    const gone = guarded(() => resume(left()))
    const failed = guarded(() => socket.terminate())
    socket.once("close", gone)
    socket.on("error", failed)
  }).pipe(
    Effect.timeoutFail({
      duration: startWithin,
      onTimeout: () => invalidRequest(`The first message, which names ${says}, didn't arrive in time.`)
    }),
    Effect.flatMap(decode)
  )

/** Fails once the caller disconnects. */
export const callerGone = (socket: WebSocket) =>
  Effect.async<never, Unavailable>((resume) => {
    const end = guardedBy(() => socket.terminate())(() => resume(left()))
    if (socket.readyState !== socket.OPEN) end()
    else socket.once("close", end)
  })

/** Keeps reading, for the client's own close frame. */
const closeSocket = (socket: WebSocket) => {
  socket.resume()
  socket.close(1000)
  setTimeout(
    guardedBy(() => {})(() => socket.terminate()),
    goodbyeMs
  ).unref()
}

/** Ends a session, too, when the caller loses the access or the server stops. */
export const whileAllowed = <A, E, R>(session: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const stillAllowed = yield* StillAllowed
    const draining = yield* Draining
    const shutOut = stillAllowed.pipe(
      Effect.catchTags({ Unavailable: () => Effect.void, TooManyRequests: () => Effect.void }),
      Effect.repeat(Schedule.spaced(checkEvery)),
      Effect.zipRight(Effect.never)
    )
    const stopped = Effect.zipRight(
      draining.begun,
      Effect.fail(new Unavailable({ detail: "The server is stopping.", retryAfterSeconds: 5 }))
    )
    return yield* Effect.raceFirst(session, Effect.raceFirst(shutOut, stopped))
  })

/** Answers the handshake of a WebSocket, runs its session, and tells the client why it failed. */
export const socketSession = <E, R, P, RP>(
  {
    place,
    protocol,
    refusal
  }: {
    readonly protocol: string
    readonly refusal: InvalidRequest
    /** Takes one of the places for such sessions until the scope closes. */
    readonly place: Effect.Effect<void, P, RP>
  },
  session: (socket: WebSocket, inbox: Inbox) => Effect.Effect<void, E, R>
) =>
  Effect.gen(function* () {
    yield* CurrentOrganization
    // First the place: WebSocket clients can't read a refusal, so they ask again without a handshake for its reason.
    yield* place
    const upgrade = upgradeOf(NodeHttpServerRequest.toIncomingMessage(yield* HttpServerRequest.HttpServerRequest))
    if (upgrade === undefined || !isFor(upgrade, protocol)) return yield* refusal
    const asked = yield* currentAsked
    const socket = yield* Effect.acquireRelease(
      Effect.tryPromise({ try: () => acceptUpgrade(upgrade), catch: left }),
      (opened) => Effect.sync(() => closeSocket(opened))
    )
    yield* Effect.scoped(session(socket, makeInbox(socket))).pipe(
      Effect.tapErrorCause((cause) =>
        Effect.sync(() => {
          const failure =
            cause._tag === "Fail" && isApiError(cause.error) ? cause.error : internalError(asked.requestId)
          if (socket.readyState === socket.OPEN) {
            // A client's messages are JSON: errors point into them.
            const problem = documentOf(failure, { ...asked, takesJson: true })
            socket.send(JSON.stringify({ type: "error", problem }))
          }
        })
      )
    )
    return HttpServerResponse.empty()
  }).pipe(Effect.scoped)
