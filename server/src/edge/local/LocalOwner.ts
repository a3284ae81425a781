import type { HttpServerRequest } from "@effect/platform"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect, type Redacted } from "effect"
import { digestOf, matches } from "../../tenancy/identity/tokens.ts"
import { makePeerUsers } from "./peerUser.ts"

/** How a server in local mode recognizes the user who started it. */
export interface LocalOwner {
  /** Is this the token that the server stored for its user? */
  readonly isToken: (token: Redacted.Redacted) => boolean
  /** Did the server's own user open the request's connection? Known only on Linux; false elsewhere. */
  readonly opened: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<boolean>
}

/** The user id of this process; undefined on systems without such numbers. */
const ownUser = () => process.geteuid?.()

export const makeLocalOwner = (token: Redacted.Redacted): LocalOwner => {
  const hash = digestOf(token)
  const peers = makePeerUsers()
  return {
    isToken: (given) => matches(given, hash),
    opened: (request) =>
      Effect.promise(async () => {
        const peer = await peers(NodeHttpServerRequest.toIncomingMessage(request).socket)
        return peer !== undefined && peer === ownUser()
      })
  }
}
