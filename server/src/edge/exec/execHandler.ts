import { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { CurrentOrganization, ExecStart, execProtocol, Forbidden, type ServiceId, Unavailable } from "@maxcloud/sdk/api"
import { Effect, ParseResult, Schedule, Schema } from "effect"
import type { WebSocket } from "ws"
import { orUnavailable } from "../../base/database/sqlErrors.ts"
import { masterKeyUnavailable } from "../../base/keys/masterKeyUnavailable.ts"
import { guardedBy } from "../../base/node/guarded.ts"
import { Services } from "../../control/services/Services.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { Draining } from "../http/Draining.ts"
import { currentAsked, documentOf, internalError, invalidRequest, isApiError } from "../http/problems.ts"
import { makeExecSessions } from "./execSessions.ts"
import { type Inbox, makeInbox } from "./inbox.ts"
import { relay, sendMessage } from "./relay.ts"
import { StillAllowed } from "./StillAllowed.ts"
import { acceptUpgrade, type Upgrade, upgradeOf } from "./upgrades.ts"

const limits = { idleMs: 30 * 60_000, pingMs: 20_000 }
/** How often to recheck the caller's access: a caller who lost it may continue this long. */
const checkEvery = "10 seconds"
/** Timeout for the first message. */
const startWithin = "10 seconds"

const goodbyeMs = 2_000

const decodeStart = Schema.decodeUnknown(Schema.parseJson(ExecStart))

const isForUs = ({ request }: Upgrade) =>
  request.headers.upgrade?.toLowerCase() === "websocket" &&
  (request.headers["sec-websocket-protocol"] ?? "").split(",").some((offered) => offered.trim() === execProtocol)

const noHandshake = invalidRequest(
  `This path is a WebSocket with the subprotocol ${execProtocol}. Use \`maxcloud exec\`, or send its handshake.`
)

/** The first message, which names the command to run. */
const startOf = (socket: WebSocket, inbox: Inbox) =>
  Effect.async<string, Unavailable>((resume) => {
    inbox.take((data, isBinary) => {
      // Later messages wait for the program.
      inbox.wait()
      resume(Effect.succeed(isBinary ? "" : String(data)))
    })
    const guarded = guardedBy(() => socket.terminate())
    const gone = guarded(() => resume(new Unavailable({ detail: "The caller disconnected.", retryAfterSeconds: 1 })))
    const failed = guarded(() => socket.terminate())
    socket.once("close", gone)
    socket.on("error", failed)
  }).pipe(
    Effect.timeoutFail({
      duration: startWithin,
      onTimeout: () => invalidRequest("The first message, which names the command to run, didn't arrive in time.")
    }),
    Effect.flatMap(decodeStart),
    Effect.catchTag("ParseError", (error) =>
      invalidRequest(`The first message is invalid: ${ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message}`)
    )
  )

/** Keeps reading, for the client's own close frame. */
const closeSocket = (socket: WebSocket) => {
  socket.resume()
  socket.close(1000)
  setTimeout(
    guardedBy(() => {})(() => socket.terminate()),
    goodbyeMs
  ).unref()
}

/** The command as the audit log shows it: only its program, because arguments may be secrets. */
const commandSubject = ([program = "", ...rest]: ReadonlyArray<string>): string =>
  `${JSON.stringify(program.slice(0, 200))} with ${rest.length} ${rest.length === 1 ? "argument" : "arguments"}`

/** Connects caller, server and program. When one of them ends, so do the others. */
export const makeExecHandler = Effect.gen(function* () {
  const services = yield* Services
  const audit = yield* Audit
  const draining = yield* Draining
  const takePlace = makeExecSessions()

  const session = (socket: WebSocket, id: ServiceId) =>
    Effect.gen(function* () {
      const organization = yield* CurrentOrganization
      const stillAllowed = yield* StillAllowed
      const inbox = makeInbox(socket)
      const { command, terminal } = yield* startOf(socket, inbox)
      const { app, name, stage } = yield* services.get(organization, id)
      yield* audit
        .append({
          action: "services.exec",
          outcome: "succeeded",
          status: 101,
          subject: `service ${name} of ${app}/${stage}: ${commandSubject(command)}`,
          organizationId: organization.id
        })
        .pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable), orUnavailable)
      const gone = Effect.async<never, Unavailable>((resume) => {
        const end = guardedBy(() => socket.terminate())(() =>
          resume(new Unavailable({ detail: "The caller disconnected.", retryAfterSeconds: 1 }))
        )
        if (socket.readyState !== socket.OPEN) end()
        else socket.once("close", end)
      })
      // If the caller disconnects while a service starts from zero, stop waiting for it.
      const process = yield* Effect.raceFirst(services.exec(organization, id, { command, terminal }), gone)
      sendMessage(socket, { type: "started", instance: process.instance })
      const ended = Effect.promise(() => relay(socket, inbox, process, limits)).pipe(
        Effect.flatMap((how) =>
          how === "ended"
            ? Effect.void
            : new Forbidden({
                detail: `Nothing was sent for ${limits.idleMs / 60_000} minutes, so the session ended.`
              })
        )
      )
      const shutOut = stillAllowed.pipe(
        Effect.catchTags({ Unavailable: () => Effect.void, TooManyRequests: () => Effect.void }),
        Effect.repeat(Schedule.spaced(checkEvery)),
        Effect.zipRight(Effect.never)
      )
      const stopped = Effect.zipRight(
        draining.begun,
        Effect.fail(new Unavailable({ detail: "The server is stopping.", retryAfterSeconds: 5 }))
      )
      yield* Effect.raceFirst(ended, Effect.raceFirst(shutOut, stopped))
    })

  return (id: ServiceId) =>
    Effect.gen(function* () {
      const organization = yield* CurrentOrganization
      yield* services.get(organization, id)
      const upgrade = upgradeOf(NodeHttpServerRequest.toIncomingMessage(yield* HttpServerRequest.HttpServerRequest))
      if (upgrade === undefined || !isForUs(upgrade)) return yield* noHandshake
      yield* takePlace(organization.id)
      const asked = yield* currentAsked
      const socket = yield* Effect.acquireRelease(
        Effect.tryPromise({
          try: () => acceptUpgrade(upgrade),
          catch: () => new Unavailable({ detail: "The caller disconnected.", retryAfterSeconds: 1 })
        }),
        (opened) => Effect.sync(() => closeSocket(opened))
      )
      yield* Effect.scoped(session(socket, id)).pipe(
        Effect.tapErrorCause((cause) =>
          Effect.sync(() => {
            const failure =
              cause._tag === "Fail" && isApiError(cause.error) ? cause.error : internalError(asked.requestId)
            sendMessage(socket, { type: "error", problem: documentOf(failure, asked) })
          })
        )
      )
      return HttpServerResponse.empty()
    }).pipe(Effect.scoped)
})
