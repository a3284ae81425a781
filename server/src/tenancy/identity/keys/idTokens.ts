import type { SqlClient } from "@effect/sql/SqlClient"
import { Unauthenticated, Unavailable } from "@maxcloud/sdk/api"
import { Clock, Effect, Either, type Redacted } from "effect"
import type { Caller } from "../../access/Caller.ts"
import { firstMismatch } from "./claims.ts"
import { findTrusts, organizationOf, type TrustRow } from "./credentialRows.ts"
import { makeIssuerKeys } from "./IssuerKeys.ts"
import { audienceOf, readUnverified } from "./idTokenParts.ts"
import type { IssuerOptions, IssuerProblem } from "./issuerDocuments.ts"
import { standingOf } from "./trustStanding.ts"
import { type TokenProblem, verifyIdToken } from "./verifyIdToken.ts"

/** The maximum number of trusts whose mismatches an answer lists. */
const maxTold = 5

/**
 * Callers with tokens of issuers that their organizations trust. Nothing is fetched before the issuer is known to be one
 * of these.
 */
export const makeIdTokens = (sql: SqlClient, options: IssuerOptions) =>
  Effect.map(makeIssuerKeys(options), (keysOf) => ({
    authenticate: (token: Redacted.Redacted) =>
      Effect.gen(function* () {
        const unverified = readUnverified(token)
        if (Either.isLeft(unverified)) return yield* refuse(unverified.left)
        const { issuer, organization } = unverified.right
        const trusts = yield* findTrusts(sql, organization, issuer)
        if (trusts.length === 0) {
          return yield* refuse(
            "The organization in the token's `aud` has no trust for the issuer in `iss`. An admin can add one: `maxcloud auth oidc add`."
          )
        }
        const now = new Date(yield* Clock.currentTimeMillis)
        const claims = yield* verifyIdToken(
          token,
          keysOf(issuer),
          { issuer, audience: audienceOf(organization) },
          now
        ).pipe(Effect.catchTags({ IssuerProblem: unauthenticatedOrUnavailable, TokenProblem: refuseToken }))
        const matching = trusts.filter((trust) => firstMismatch(trust.claims, claims) === undefined)
        // Issued to another party (OpenID Connect Core 1.0, 2 and 3.1.3.7), which may pass it on: only accepted if the
        // trust names that party.
        const fitting =
          claims.azp === undefined || claims.azp === audienceOf(organization)
            ? matching
            : matching.filter((each) => Object.hasOwn(each.claims, "azp"))
        if (fitting.length < matching.length && fitting.length === 0) {
          return yield* refuse(
            "this token was issued to another party (its azp claim). If that's intended, name it in the trust's claims (azp)"
          )
        }
        const trust = fitting.find((value) => standingOf(value).roles.length > 0)
        if (trust === undefined) return yield* refuse(fitting.length === 0 ? missed(trusts, claims) : ended(fitting))
        const caller: Caller = {
          organization: organizationOf(trust),
          roles: standingOf(trust).roles,
          scopes: trust.scopes.length === 0 ? undefined : trust.scopes,
          credential: { type: "oidc", id: trust.id, issuer, subject: claims.sub },
          person: undefined
        }
        return { caller, useIsStale: trust.use_is_stale }
      })
  }))

/** Names only the trust's requirements, never the token's content. */
const missed = (trusts: ReadonlyArray<TrustRow>, claims: Readonly<Record<string, unknown>>) => {
  const each = trusts.slice(0, maxTold).flatMap(({ claims: wanted, name }) => {
    const mismatch = firstMismatch(wanted, claims)
    return mismatch === undefined ? [] : [`the trust "${name}" requires ${mismatch.claim} to be "${mismatch.pattern}"`]
  })
  const more = trusts.length > maxTold ? `, and ${trusts.length - maxTold} more don't match either` : ""
  return `this token is genuine, but matches none of the organization's trusts: ${each.join("; ")}${more}`
}

const ended = (trusts: ReadonlyArray<TrustRow>) =>
  trusts
    .slice(0, maxTold)
    .map((trust) => `the trust "${trust.name}" of "${trust.organization}" doesn't count: ${standingOf(trust).limit}`)
    .join("; ")

const refuse = (detail: string) => Effect.fail(new Unauthenticated({ detail }))

const refuseToken = ({ message }: TokenProblem) => refuse(`Token rejected: ${message}`)

const unauthenticatedOrUnavailable = ({
  message,
  reason
}: IssuerProblem): Effect.Effect<never, Unauthenticated | Unavailable> =>
  reason === "refused"
    ? refuse(`Couldn't use the token's issuer: ${message}`)
    : Effect.fail(
        new Unavailable({ detail: `Couldn't verify this token right now: ${message}.`, retryAfterSeconds: 5 })
      )
