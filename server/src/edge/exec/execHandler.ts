import { CurrentOrganization, ExecStart, execProtocol, type ServiceId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { WebSocket } from "ws"
import { orUnavailable } from "../../base/database/sqlErrors.ts"
import { masterKeyUnavailable } from "../../base/keys/masterKeyUnavailable.ts"
import { Services } from "../../control/services/Services.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { invalidRequest } from "../http/problems.ts"
import { execSessions, makePlaces } from "./execSessions.ts"
import { firstMessageOf } from "./firstMessage.ts"
import type { Inbox } from "./inbox.ts"
import { relay, sendMessage } from "./relay.ts"
import { idleEnd, SessionLimits } from "./SessionLimits.ts"
import { callerGone, socketSession, startOf, whileAllowed } from "./socketSession.ts"

const decodeStart = firstMessageOf(ExecStart)

const noHandshake = invalidRequest(
  `This path is a WebSocket with the subprotocol ${execProtocol}. Use \`maxcloud exec\`, or send its handshake.`
)

/** The command as the audit log shows it: only its program, because arguments may be secrets. */
const commandSubject = ([program = "", ...rest]: ReadonlyArray<string>): string =>
  `${JSON.stringify(program.slice(0, 200))} with ${rest.length} ${rest.length === 1 ? "argument" : "arguments"}`

/** Connects caller, server and program. When one of them ends, so do the others. */
export const makeExecHandler = Effect.gen(function* () {
  const services = yield* Services
  const audit = yield* Audit
  const limits = yield* SessionLimits
  const takePlace = makePlaces(execSessions)

  const session = (socket: WebSocket, inbox: Inbox, id: ServiceId) =>
    Effect.gen(function* () {
      const organization = yield* CurrentOrganization
      const { command, terminal } = yield* startOf(socket, inbox, "the command to run", decodeStart)
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
      // If the caller disconnects while a service starts from zero, stop waiting for it.
      const process = yield* Effect.raceFirst(
        services.exec(organization, id, { command, terminal }),
        callerGone(socket)
      )
      sendMessage(socket, { type: "started", instance: process.instance })
      yield* whileAllowed(
        Effect.promise(() => relay(socket, inbox, process, limits)).pipe(
          Effect.flatMap((how) => (how === "ended" ? Effect.void : idleEnd(limits, "session")))
        )
      )
    })

  return (id: ServiceId) =>
    Effect.gen(function* () {
      const organization = yield* CurrentOrganization
      yield* services.get(organization, id)
      return yield* socketSession(
        { protocol: execProtocol, refusal: noHandshake, place: takePlace(organization.id) },
        (socket, inbox) => session(socket, inbox, id)
      )
    })
})
