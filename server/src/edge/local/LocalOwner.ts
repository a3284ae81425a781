import type { HttpServerRequest } from "@effect/platform"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect, type Redacted } from "effect"
import { digestOf, matches } from "../../tenancy/identity/tokens.ts"
import { makePeerUsers } from "./peerUser.ts"

/** How a server in local mode recognizes the user who started it. */
export interface LocalOwner {
  /** Is it the token that the server wrote down for its user? */
  readonly isToken: (token: Redacted.Redacted) => boolean
  /** Was the request's connection opened by the server's own user? Only on Linux; elsewhere never. */
  readonly opened: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<boolean>
}

/** The user that this process acts as; undefined on systems without such numbers. */
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
