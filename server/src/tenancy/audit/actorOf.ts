import type { AuditEntry, UserId } from "@maxcloud/sdk/api"
import type { Caller } from "../access/Caller.ts"

export interface Actor {
  readonly type: AuditEntry["actor"]["type"]
  readonly id: string | null
  readonly credentialId: string | null
  /** The person whose key seals the personal fields. */
  readonly person: { readonly id: UserId; readonly email: string } | undefined
  /** Identifies people if an issuer's subjects do, so it's stored sealed. */
  readonly oidcSubject: string | null
}

/**
 * The actor of an entry. `person` is for requests without a caller. Without an address there was no request: the server
 * acted itself.
 */
export const actorOf = (caller: Caller | undefined, person: Actor["person"], address: string | undefined): Actor => {
  if (caller === undefined) {
    if (person !== undefined) return { type: "user", id: person.id, credentialId: null, person, oidcSubject: null }
    const type = address === undefined ? "server" : "anonymous"
    return { type, id: null, credentialId: null, person: undefined, oidcSubject: null }
  }
  const { credential } = caller
  const known = { person: caller.person ?? person, oidcSubject: null }
  switch (credential.type) {
    case "local":
      return { type: "local", id: null, credentialId: null, ...known }
    case "pull":
      return { type: "server", id: null, credentialId: null, ...known }
    case "session":
      return { type: "user", id: known.person?.id ?? null, credentialId: credential.id, ...known }
    case "key":
      return { type: "key", id: credential.id, credentialId: credential.id, ...known }
    case "oidc":
      return { type: "oidc", id: credential.id, credentialId: credential.id, ...known, oidcSubject: credential.subject }
  }
}
