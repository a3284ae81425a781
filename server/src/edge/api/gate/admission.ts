import type { HttpServerRequest } from "@effect/platform"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { type OperationName, rowOf, Unauthenticated } from "@maxcloud/sdk/api"
import { Effect, Redacted } from "effect"
import { asNobody, asServer } from "../../../base/database/RowScope.ts"
import { orUnavailable } from "../../../base/database/sqlErrors.ts"
import { masterKeyUnavailable } from "../../../base/keys/masterKeyUnavailable.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import type { RegistryTokens } from "../../../stores/registry/RegistryTokens.ts"
import { type Caller, ClientAddress } from "../../../tenancy/access/Caller.ts"
import type { Audit } from "../../../tenancy/audit/Audit.ts"
import type { Authenticator } from "../../../tenancy/identity/keys/Authenticator.ts"
import { networkOf } from "../../../tenancy/identity/signInLimits.ts"
import { isToken } from "../../../tenancy/identity/tokens.ts"
import { rateLimitHeaders } from "../../../tenancy/limits/headers.ts"
import { credentialLimit, limits } from "../../../tenancy/limits/limits.ts"
import type { RateLimitState, RateLimits } from "../../../tenancy/limits/RateLimits.ts"
import type { AccessMode } from "../../http/AccessMode.ts"
import { withHeaders } from "../../http/answerHeaders.ts"
import { needsCredential } from "../../http/needsCredential.ts"
import { subjectOf } from "./auditedRequest.ts"
import { checkCaller } from "./guard.ts"

type Request = HttpServerRequest.HttpServerRequest
type Mode = typeof AccessMode.Service
type Rates = typeof RateLimits.Service
type Tokens = typeof RegistryTokens.Service

const bearerOf = ({ headers }: Request): Redacted.Redacted | undefined => {
  const { authorization } = headers
  if (authorization === undefined) return undefined
  const [, token = ""] = /^Bearer +([\w.~+/=-]{1,16384})$/i.exec(authorization.trim()) ?? []
  return Redacted.make(token)
}

/**
 * The same for clients of the registry, which know only user names and passwords (RFC 7617): the password is the token,
 * and the user name doesn't count. No other operation takes a password: browsers would send it by themselves.
 */
const passwordOf = ({ headers }: Request): Redacted.Redacted | undefined => {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]{1,22000}={0,2})$/i.exec(headers.authorization?.trim() ?? "") ?? []
  if (encoded === undefined) return undefined
  const [, token = ""] = /^[^:]*:([\w.~+/=-]{1,16384})$/.exec(Buffer.from(encoded, "base64").toString("utf8")) ?? []
  return Redacted.make(token)
}

const takesPasswords: ReadonlySet<OperationName> = new Set(["registryTokens.issue"])

/** The caller behind a password that nodes pull with, if it's one. */
const pullerOf = (tokens: Tokens, operation: OperationName, token: Redacted.Redacted) =>
  takesPasswords.has(operation) && isToken("pull", token)
    ? tokens.callerOfPull(token).pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable), orUnavailable)
    : Effect.succeed(undefined)

/** The credential of a request. */
export const credentialOf = (request: Request, operation: OperationName): Redacted.Redacted | undefined =>
  (takesPasswords.has(operation) ? passwordOf(request) : undefined) ?? bearerOf(request)

const ownerOnly =
  "This server is in local mode and answers only the user who started it. Use that user's account, or send its token: \"Authorization: Bearer <content of local-token in the server's data folder>\". For several people, start the server with MAXCLOUD_AUTH=required."

export const ownerOf = (organization: Organization): Caller => ({
  organization,
  roles: ["owner"],
  scopes: undefined,
  credential: { type: "local" },
  person: undefined
})

/** Adds the state of a rate limit to the answer, whatever the answer will be. */
export const announced = <E, R>(taken: Effect.Effect<RateLimitState, E, R>) =>
  Effect.flatMap(taken, (state) => withHeaders(rateLimitHeaders(state)))

const takeFailure = (rates: Rates, address: string) =>
  announced(rates.take(limits.failedAuthentication, networkOf(address)))

/** Local mode: refuses requests that come from a web page or through a proxy, with any credential. */
export const refuseForeign = (
  mode: Mode,
  rates: Rates,
  audit: typeof Audit.Service,
  request: Request,
  action: string,
  address: string
) => {
  if (mode.local === undefined) return Effect.void
  const { headers, method, url } = request
  const { httpVersion } = NodeHttpServerRequest.toIncomingMessage(request)
  const entry = { action, outcome: "refused", status: 403, subject: subjectOf(request) } as const
  // Beyond the limit, requests are still refused but no longer logged one by one.
  const told = asServer(rates.take(limits.foreignCaller, networkOf(address))).pipe(
    Effect.andThen(audit.append(entry)),
    Effect.provideService(ClientAddress, address),
    asNobody,
    Effect.ignore
  )
  return checkCaller({ headers, method, url, httpVersion }).pipe(Effect.tapError(() => told))
}

/** Local mode: only the user who started the server may call, identified by the server's token or by the connection. */
export const requireOwner = (mode: Mode, rates: Rates, request: Request, address: string) =>
  Effect.gen(function* () {
    if (mode.local === undefined) return
    const { owner } = mode.local
    const token = bearerOf(request)
    if ((token !== undefined && owner.isToken(token)) || (yield* owner.opened(request))) return
    yield* asServer(takeFailure(rates, address))
    return yield* new Unauthenticated({ detail: ownerOnly, localMode: true })
  })

const callerOf = (
  mode: Mode,
  rates: Rates,
  authenticator: typeof Authenticator.Service,
  tokens: Tokens,
  request: Request,
  operation: OperationName,
  address: string
) =>
  Effect.gen(function* () {
    const token = credentialOf(request, operation)
    const { local } = mode
    if (local !== undefined && (token === undefined || local.owner.isToken(token))) {
      if (token === undefined) yield* requireOwner(mode, rates, request, address)
      return ownerOf(local.organization)
    }
    if (token === undefined) {
      yield* takeFailure(rates, address)
      return yield* needsCredential()
    }
    const puller = yield* pullerOf(tokens, operation, token)
    if (puller !== undefined) return puller
    return yield* authenticator
      .authenticate(token)
      .pipe(Effect.tapErrorTag("Unauthenticated", () => takeFailure(rates, address)))
  })

const rateOf = (mode: Mode, rates: Rates, caller: Caller | undefined, address: string) => {
  if (caller === undefined) return announced(rates.take(limits.open, networkOf(address)))
  const { credential } = caller
  if (credential.type === "local") return Effect.void
  return announced(rates.take(credentialLimit(mode.requestsPerMinute), `${credential.type} ${credential.id}`))
}

/** Identifies the caller, and applies the rate limits, before any other work for the request. */
export const admit = (
  mode: Mode,
  rates: Rates,
  authenticator: typeof Authenticator.Service,
  tokens: Tokens,
  request: Request,
  operation: OperationName,
  address: string
) =>
  Effect.gen(function* () {
    const { limit, roles } = rowOf(operation)
    const isOpen = roles === "open"
    if (isOpen && operation !== "health.healthz") yield* requireOwner(mode, rates, request, address)
    const caller = isOpen
      ? undefined
      : yield* asServer(callerOf(mode, rates, authenticator, tokens, request, operation, address))
    if (limit !== "none") yield* asServer(rateOf(mode, rates, caller, address))
    return caller
  })
