import { type HttpServerRequest, HttpServerResponse } from "@effect/platform"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Forbidden, MethodNotAllowed, type OperationName, rowOf, Unauthenticated, Unavailable } from "@maxcloud/sdk/api"
import { Effect, Option, Redacted } from "effect"
import { asNobody, asServer, RowScope } from "../../base/database/RowScope.ts"
import { orUnavailable } from "../../base/database/sqlErrors.ts"
import type { Organization } from "../../base/words/Organization.ts"
import { type Caller, ClientAddress, CurrentCaller, CurrentOperation } from "../../tenancy/access/Caller.ts"
import { Audit, noting } from "../../tenancy/audit/Audit.ts"
import { authorize } from "../../tenancy/identity/authorize.ts"
import { Authenticator } from "../../tenancy/identity/keys/ApiKeys.ts"
import type { Places } from "../../tenancy/identity/Places.ts"
import { networkOf } from "../../tenancy/identity/signInLimits.ts"
import { rateLimitHeaders } from "../../tenancy/limits/headers.ts"
import { limits } from "../../tenancy/limits/limits.ts"
import { makeOpenStreams, OpenStreamsOf, type StreamOwner } from "../../tenancy/limits/OpenStreams.ts"
import { Quotas } from "../../tenancy/limits/Quotas.ts"
import { type RateLimitState, RateLimits } from "../../tenancy/limits/RateLimits.ts"
import { StillAllowed } from "../exec/StillAllowed.ts"
import { AccessMode } from "../http/AccessMode.ts"
import { nothingAt } from "../http/problems.ts"
import { page, pathOf, type Route } from "../http/routeTable.ts"
import { bodyWithRows } from "./bodyRows.ts"
import { clientAddress } from "./clientAddress.ts"
import { endWithAccess } from "./endWithAccess.ts"
import { checkCaller } from "./guard.ts"

type Request = HttpServerRequest.HttpServerRequest

/** Answers that say nothing of an attempt: what was sent could not be read, or was too much. */
const notAudited: ReadonlySet<number> = new Set([400, 405, 408, 413, 415, 429, 431])
const refusals: ReadonlySet<number> = new Set([401, 403])

/**
 * The one way from a request to its handler: finds the operation, tells who calls (`Authenticator`), what the contract says of it
 * (`authorize`), and how often (`RateLimits`); the handler then sees the rows of the caller's organization alone. Every write, and
 * every refusal, has its entry in the audit log: by the writer in its own transaction, or else here.
 */
export const makeGate = Effect.gen(function* () {
  const mode = yield* AccessMode
  const authenticator = yield* Authenticator
  const rates = yield* RateLimits
  const audit = yield* Audit
  const quotas = yield* Quotas
  const streams = makeOpenStreams(mode.streams)

  const ownerOfStream = (caller: Caller | undefined, address: string): Effect.Effect<StreamOwner, Unavailable> => {
    if (caller === undefined)
      return Effect.succeed({ key: undefined, address: networkOf(address), organization: undefined, quota: null })
    const { credential, organization } = caller
    return Effect.map(orUnavailable(quotas.of(organization.id)), (_) => ({
      key: credential.type === "local" ? undefined : `${credential.type} ${credential.id}`,
      address: networkOf(address),
      organization: organization.id,
      quota: _.streams
    }))
  }

  /** In local mode: the web page, or the proxy, that a request comes through is refused, whatever else it carries. */
  const refuseForeign = (request: Request, action: string, address: string) => {
    if (mode.local === undefined) return Effect.void
    const { headers, method, url } = request
    const { httpVersion } = NodeHttpServerRequest.toIncomingMessage(request)
    const entry = { action, outcome: "refused", status: 403, subject: subjectOf(request) } as const
    // Beyond the limit it is refused all the same, but has no entry of its own.
    const told = asServer(rates.take(limits.foreignCaller, networkOf(address))).pipe(
      Effect.andThen(audit.append(entry)),
      Effect.provideService(ClientAddress, address),
      asNobody,
      Effect.ignore
    )
    return checkCaller({ headers, method, url, httpVersion }).pipe(Effect.tapError(() => told))
  }

  /** In local mode: only the user who started the server, known by the server's token or by the connection. */
  const requireOwner = (request: Request, address: string) =>
    Effect.gen(function* () {
      if (mode.local === undefined) return
      const { owner } = mode.local
      const token = bearerOf(request)
      if ((token !== undefined && owner.isToken(token)) || (yield* owner.opened(request))) return
      yield* asServer(rates.take(limits.failedAuthentication, networkOf(address)))
      return yield* new Unauthenticated({ detail: ownerOnly, localMode: true })
    })

  const callerOf = (request: Request, address: string) =>
    Effect.gen(function* () {
      const token = bearerOf(request)
      const { local } = mode
      if (local !== undefined && (token === undefined || local.owner.isToken(token))) {
        yield* requireOwner(request, address)
        return ownerOf(local.organization)
      }
      if (token === undefined) {
        yield* rates.take(limits.failedAuthentication, networkOf(address))
        return yield* new Unauthenticated({
          detail:
            'this needs a credential: run `maxcloud auth login`, or send "Authorization: Bearer <API key>" (MAXCLOUD_API_KEY)'
        })
      }
      return yield* authenticator
        .authenticate(token)
        .pipe(Effect.tapErrorTag("Unauthenticated", () => rates.take(limits.failedAuthentication, networkOf(address))))
    })

  const rateOf = (caller: Caller | undefined, address: string) => {
    if (caller === undefined) return Effect.asSome(rates.take(limits.open, networkOf(address)))
    const { credential } = caller
    if (credential.type === "local") return Effect.succeedNone
    const limit = { ...limits.credential, quota: mode.requestsPerMinute }
    return Effect.asSome(rates.take(limit, `${credential.type} ${credential.id}`))
  }

  /** Appends the entry that the handler has not. A write that cannot be told is not told as done. */
  const tell = (
    operation: OperationName,
    request: Request,
    status: number,
    alreadyTold: boolean
  ): Effect.Effect<void, Unavailable> => {
    const refused = refusals.has(status)
    if ((alreadyTold && status < 400) || notAudited.has(status) || !(rowOf(operation).writes || refused))
      return Effect.void
    const outcome = status < 400 ? "succeeded" : refused ? "refused" : "failed"
    return audit.append({ action: operation, outcome, status, subject: subjectOf(request) }).pipe(
      Effect.catchAll((cause) =>
        Effect.logError("the audit log cannot be written", cause).pipe(
          Effect.andThen(
            status >= 400
              ? Effect.void
              : new Unavailable({
                  detail:
                    "It was done, but the audit log cannot be written at the moment: look whether it is as you want it.",
                  retryAfterSeconds: 5
                })
          )
        )
      )
    )
  }

  /** `handle` never fails: what went wrong is in its answer. */
  return <R>(
    request: Request,
    route: Route | undefined,
    handle: Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>
  ) =>
    Effect.gen(function* () {
      const operation = route?.operations.get(request.method)
      const address = clientAddress(request, mode.trustedProxies)
      yield* refuseForeign(request, operation ?? pageName(route), address)
      if (route === undefined || operation === undefined) {
        yield* refuseUnroutable(request, route)
        return yield* pageFor(request, route, address, handle)
      }
      const { limit, roles } = rowOf(operation)
      const isOpen = roles === "open"
      const admitted = Effect.gen(function* () {
        if (isOpen && operation !== "health.healthz") yield* requireOwner(request, address)
        const caller = isOpen ? undefined : yield* asServer(callerOf(request, address))
        const rate = limit === "none" ? Option.none() : yield* asServer(rateOf(caller, address))
        return { caller, rate }
      })
      const answer = Effect.gen(function* () {
        const { caller, rate } = yield* admitted
        const response = yield* Effect.gen(function* () {
          const query = new URL(request.url, "http://localhost").searchParams
          const asked = { operation, parameters: route.parameters, query, verifiedOnly: mode.verifiedOnly }
          if (caller !== undefined) yield* authorize(caller, asked)
          const token = bearerOf(request)
          const again =
            token === undefined || caller === undefined || caller.credential.type === "local"
              ? undefined
              : asServer(
                  Effect.provide(
                    Effect.flatMap(authenticator.authenticate(token), (present) => authorize(present, asked)),
                    yield* Effect.context<Places>()
                  )
                )
          const { noted, value: handled } = yield* noting(
            Effect.provideService(handle, StillAllowed, again ?? Effect.void)
          )
          if (handled.body._tag === "Stream") yield* streams.take(yield* ownerOfStream(caller, address))
          const answered = bodyWithRows(handled, caller?.organization.id ?? "none")
          yield* tell(operation, request, answered.status, noted)
          return again === undefined ? answered : endWithAccess(answered, again)
        }).pipe(
          Effect.tapErrorTag("Forbidden", () => Effect.ignore(tell(operation, request, 403, false))),
          Effect.provideService(CurrentCaller, caller),
          Effect.provideService(OpenStreamsOf, streams.of),
          Effect.provideService(RowScope, caller?.organization.id ?? "none")
        )
        return Option.match(rate, { onNone: () => response, onSome: (_) => withRate(response, _) })
      })
      return yield* answer.pipe(
        Effect.tapErrorTag("Unauthenticated", () => Effect.ignore(tell(operation, request, 401, false))),
        Effect.provideService(CurrentOperation, operation),
        Effect.provideService(ClientAddress, address),
        asNobody
      )
    })

  function pageFor<R>(
    request: Request,
    route: Route | undefined,
    address: string,
    handle: Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>
  ) {
    return Effect.gen(function* () {
      const isPublic = publicPages.has(route?.pattern ?? "") || (route?.pattern === page.metrics && mode.openMetrics)
      if (!isPublic) yield* requireOwner(request, address)
      if (route?.pattern === page.metrics && mode.local === undefined && !mode.openMetrics) {
        // A proxy on this machine that is not trusted has the address of this machine, whoever sends the request.
        const { forwarded, via, "x-forwarded-for": forwardedFor } = request.headers
        const isHandedOn = mode.trustedProxies.rules.length === 0 && (forwarded ?? via ?? forwardedFor) !== undefined
        if (isHandedOn || !/^(127\.|::1$)/.test(address)) {
          return yield* new Forbidden({ detail: "metrics are available on this machine only (MAXCLOUD_OPEN_METRICS)" })
        }
      }
      const caller = mode.local === undefined ? undefined : ownerOf(mode.local.organization)
      return yield* handle.pipe(
        Effect.provideService(CurrentCaller, route?.pattern === page.landing ? caller : undefined),
        Effect.provideService(ClientAddress, address),
        Effect.provideService(RowScope, caller?.organization.id ?? "none")
      )
    })
  }
})

/** What is not in the table is never handed to the router: it could read a path otherwise than the policy does. */
const refuseUnroutable = (request: Request, route: Route | undefined) => {
  const path = pathOf(request.url).slice(0, 200)
  if (route === undefined) return Effect.fail(nothingAt(path))
  if (route.methods.has(request.method)) return Effect.void
  const allow = [...route.methods].sort()
  return Effect.fail(
    new MethodNotAllowed({ detail: `${path} takes ${allow.join(", ")}, not ${request.method}`, allow })
  )
}

const bearerOf = ({ headers }: Request): Redacted.Redacted | undefined => {
  const { authorization } = headers
  if (authorization === undefined) return undefined
  const [, token = ""] = /^Bearer +([\w.~+/=-]{1,16384})$/i.exec(authorization.trim()) ?? []
  return Redacted.make(token)
}

/** What stands in these is the same for everybody, and tells nothing of this server. */
const publicPages: ReadonlySet<string> = new Set([page.docs, page.openapi])

const ownerOnly =
  "This server is in local mode and answers only the user who started it. Use that user's account, or send its token: \"Authorization: Bearer <content of local-token in the server's data folder>\". For several people, start the server with MAXCLOUD_AUTH=required."

/** How the audit log calls a page: `page.landing`. */
const pageName = (route: Route | undefined) =>
  `page.${Object.entries(page).find(([, pattern]) => pattern === route?.pattern)?.[0] ?? "none"}`

const ownerOf = (organization: Organization): Caller => ({
  organization,
  roles: ["owner"],
  scopes: undefined,
  credential: { type: "local" },
  person: undefined
})

/** What an entry of the audit log says that a request was about: its path, without the API's prefix. */
const subjectOf = ({ url }: Request) =>
  pathOf(url)
    .replace(/^\/api\/v1\//, "")
    .slice(0, 300)

const withRate = (response: HttpServerResponse.HttpServerResponse, state: RateLimitState) =>
  HttpServerResponse.setHeaders(response, rateLimitHeaders(state))
