import { SqlClient } from "@effect/sql/SqlClient"
import { Unauthenticated, type UserId } from "@maxcloud/sdk/api"
import { Effect, Layer, type Redacted } from "effect"
import { asServer } from "../../../base/database/RowScope.ts"
import { orUnavailable } from "../../../base/database/sqlErrors.ts"
import type { Caller, Person } from "../../access/Caller.ts"
import { digestOf, matches, parseToken } from "../tokens.ts"
import { Authenticator } from "./Authenticator.ts"
import { findKey, findSession, noteUse, organizationOf } from "./credentialRows.ts"
import { looksLikeJwt } from "./idTokenParts.ts"
import { makeIdTokens } from "./idTokens.ts"
import type { IssuerOptions } from "./issuerDocuments.ts"

const personOf = ({
  email,
  user_id,
  verified
}: {
  readonly email: string | null
  readonly user_id: UserId | null
  readonly verified: boolean
}): Person | undefined => (user_id === null || email === null ? undefined : { id: user_id, email, verified })

const refuse = (detail: string) => Effect.fail(new Unauthenticated({ detail }))

const unreadable = () =>
  new Unauthenticated({
    detail:
      "this isn't a credential of this server. A session begins with mcs_, an API key with mck_, and an issuer's token is a JWT in its compact form. Check that you copied all of it"
  })

const bySession = (sql: SqlClient, token: Redacted.Redacted) =>
  Effect.gen(function* () {
    const row = yield* findSession(sql, digestOf(token))
    if (!matches(token, row?.token_hash) || row === undefined) {
      return yield* refuse("Unknown or revoked session. Run `maxcloud auth login`.")
    }
    if (row.expired) return yield* refuse("This session has expired. Run `maxcloud auth login`.")
    const person = personOf(row)
    if (row.member_role === null || person === undefined) {
      return yield* refuse(
        `you are no longer a member of "${row.organization}". Run \`maxcloud auth login\` for another organization, or ask one of its admins for an invite`
      )
    }
    const caller: Caller = {
      organization: organizationOf(row),
      roles: [row.member_role],
      scopes: undefined,
      credential: { type: "session", id: row.id, ...(row.unproven ? { unproven: true } : {}) },
      person
    }
    return { caller, useIsStale: row.use_is_stale }
  })

const byKey = (sql: SqlClient, prefix: string, token: Redacted.Redacted) =>
  Effect.gen(function* () {
    const row = yield* findKey(sql, prefix)
    if (!matches(token, row?.token_hash) || row === undefined) {
      return yield* refuse(
        "this API key is unknown or was deleted. Create one with `maxcloud auth api-keys create`, and set it as MAXCLOUD_API_KEY"
      )
    }
    if (row.expired) {
      return yield* refuse(
        row.replaced
          ? "this API key was rotated, and its overlap is over. Use the key that replaced it"
          : "this API key has expired. Create another with `maxcloud auth api-keys create`"
      )
    }
    const person = personOf(row)
    const ofNobody = row.created_by === null
    if (!ofNobody && (row.member_role === null || person === undefined)) {
      return yield* refuse(
        `the creator of this API key is no longer a member of "${row.organization}". Ask a member to create another with \`maxcloud auth api-keys create\``
      )
    }
    const caller: Caller = {
      organization: organizationOf(row),
      roles: row.member_role === null ? [row.role] : [row.role, row.member_role],
      scopes: row.scopes.length === 0 ? undefined : row.scopes,
      credential: { type: "key", id: row.id },
      person
    }
    return { caller, useIsStale: row.use_is_stale }
  })

/**
 * `Authenticator` with the tables of sessions, API keys and OIDC trusts: one query for each authentication. An
 * organization with a pending deletion is admitted like any other, so that an owner can still cancel it. Erasing the
 * organization erases its credentials.
 * An unknown credential and one with a wrong secret get the same answer after the same time. Other faults (it expired,
 * its person is no longer a member) are reported only to a caller that has its secret.
 */
export const layer = (options: IssuerOptions) =>
  Layer.scoped(
    Authenticator,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const scope = yield* Effect.scope
      const idTokens = yield* makeIdTokens(sql, options)

      const authenticate = (token: Redacted.Redacted) => {
        const session = parseToken("session", token)
        if (session !== undefined) return bySession(sql, token)
        const key = parseToken("key", token)
        if (key !== undefined) return byKey(sql, key.id, token)
        return looksLikeJwt(token) ? idTokens.authenticate(token) : Effect.fail(unreadable())
      }

      /** Off the request path: nobody waits for it, and nothing depends on it. */
      const noteInBackground = (caller: Caller) =>
        noteUse(sql, caller).pipe(Effect.timeout("5 seconds"), Effect.ignore, asServer, Effect.forkIn(scope))

      return {
        authenticate: Effect.fn("Authenticator.authenticate")((token: Redacted.Redacted) =>
          authenticate(token).pipe(
            orUnavailable,
            asServer,
            Effect.tap(({ caller, useIsStale }) => (useIsStale ? noteInBackground(caller) : Effect.void)),
            Effect.map(({ caller }) => caller)
          )
        )
      }
    })
  )
