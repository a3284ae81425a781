import {
  Conflict,
  CurrentOrganization,
  PortStart,
  portProtocol,
  type RequestTimeout,
  type ServiceId
} from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { WebSocket } from "ws"
import { orUnavailable } from "../../base/database/sqlErrors.ts"
import { masterKeyUnavailable } from "../../base/keys/masterKeyUnavailable.ts"
import { monotonicMillis } from "../../base/node/monotonic.ts"
import { Services } from "../../control/services/Services.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { invalidRequest } from "../http/problems.ts"
import { makePlaces } from "./execSessions.ts"
import { firstMessageOf } from "./firstMessage.ts"
import type { Inbox } from "./inbox.ts"
import { PortRelay, type Relayed, sendPortMessage } from "./portRelay.ts"
import { halfOpenEnd, idleEnd, type Limits, SessionLimits } from "./SessionLimits.ts"
import { callerGone, socketSession, startOf, whileAllowed } from "./socketSession.ts"

/** The limit of open connections for an organization, on one server. */
export const connectionsPerOrganization = 100

const decodeStart = firstMessageOf(PortStart)

const noHandshake = invalidRequest(
  `This path is a WebSocket with the subprotocol ${portProtocol}. Use \`maxcloud port-forward\`, or send its handshake.`
)

/** Why a connection didn't end by itself. */
const endOf = (fault: Relayed["fault"], limits: Limits): Effect.Effect<void, Conflict | RequestTimeout> => {
  if (fault === undefined) return Effect.void
  if (fault === "idle") return idleEnd(limits, "connection")
  return fault === "halfOpen" ? halfOpenEnd(limits) : new Conflict({ detail: fault.message })
}

/** Connects a caller and a port of an instance: one WebSocket for each connection. */
export const makePortHandler = Effect.gen(function* () {
  const services = yield* Services
  const audit = yield* Audit
  const limits = yield* SessionLimits
  const takePlace = makePlaces({
    name: "port-connections",
    quota: connectionsPerOrganization,
    detail: `Too many open connections. An organization can have ${connectionsPerOrganization} connections of \`maxcloud port-forward\` at once. Close some.`
  })

  const note = (action: string, status: number, subject: string) =>
    Effect.gen(function* () {
      const { id } = yield* CurrentOrganization
      yield* audit
        .append({ action, outcome: "succeeded", status, subject, organizationId: id })
        .pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable), orUnavailable)
    })

  const session = (socket: WebSocket, inbox: Inbox, id: ServiceId) =>
    Effect.gen(function* () {
      const organization = yield* CurrentOrganization
      const { instance: wanted, port } = yield* startOf(socket, inbox, "the port", decodeStart)
      const { app, name, stage } = yield* services.get(organization, id)
      const place = `service ${name} of ${app}/${stage}: port ${port}`
      yield* note("services.openPort", 101, place)
      const began = yield* monotonicMillis
      let relay: PortRelay | undefined
      const closed = Effect.gen(function* () {
        const { received, sent } = relay?.counts() ?? { received: 0, sent: 0 }
        const seconds = Math.round(((yield* monotonicMillis) - began) / 1_000)
        yield* note(
          "services.closePort",
          200,
          `${place}, after ${seconds} s: ${sent} bytes to the instance, ${received} from it`
        )
      }).pipe(Effect.catchAll((error) => Effect.logWarning("Couldn't record the end of a connection", error)))
      yield* Effect.gen(function* () {
        const opened = yield* Effect.raceFirst(
          services.openPort(organization, id, { port, instance: wanted }),
          callerGone(socket)
        )
        relay = new PortRelay(socket, opened.connection)
        const running = relay
        sendPortMessage(socket, { type: "connected", instance: opened.instance })
        yield* whileAllowed(
          Effect.promise(() => running.run(inbox, limits)).pipe(Effect.flatMap(({ fault }) => endOf(fault, limits)))
        )
      }).pipe(Effect.scoped, Effect.ensuring(closed))
    })

  return (id: ServiceId) =>
    Effect.gen(function* () {
      const organization = yield* CurrentOrganization
      yield* services.get(organization, id)
      return yield* socketSession(
        { protocol: portProtocol, refusal: noHandshake, place: takePlace(organization.id) },
        (socket, inbox) => session(socket, inbox, id)
      )
    })
})
