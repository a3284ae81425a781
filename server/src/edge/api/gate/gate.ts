import type { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Forbidden, type OperationName, operations, rowOf, type Unavailable } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { asNobody, asServer, RowScope } from "../../../base/database/RowScope.ts"
import { orUnavailable } from "../../../base/database/sqlErrors.ts"
import { RegistryTokens } from "../../../stores/registry/RegistryTokens.ts"
import { type Caller, ClientAddress, CurrentCaller, CurrentOperation } from "../../../tenancy/access/Caller.ts"
import { Audit, noting } from "../../../tenancy/audit/Audit.ts"
import { Sessions } from "../../../tenancy/identity/Accounts.ts"
import { authorize } from "../../../tenancy/identity/authorize.ts"
import { callerIn } from "../../../tenancy/identity/callerIn.ts"
import { Authenticator } from "../../../tenancy/identity/keys/Authenticator.ts"
import type { Places } from "../../../tenancy/identity/Places.ts"
import { networkOf } from "../../../tenancy/identity/signInLimits.ts"
import { makeOpenStreams, OpenStreamsOf, type StreamOwner } from "../../../tenancy/limits/OpenStreams.ts"
import { Quotas } from "../../../tenancy/limits/Quotas.ts"
import { RateLimits } from "../../../tenancy/limits/RateLimits.ts"
import { StillAllowed } from "../../exec/StillAllowed.ts"
import { AccessMode } from "../../http/AccessMode.ts"
import { announceDeprecation } from "../../http/announceDeprecation.ts"
import { withHeaders } from "../../http/answerHeaders.ts"
import type { Route } from "../../http/routeTable.ts"
import { endWithAccess } from "../streams/endWithAccess.ts"
import { admit, credentialOf, refuseForeign } from "./admission.ts"
import { auditRequest, pageName, subjectOf } from "./auditedRequest.ts"
import { bodyWithRows } from "./bodyRows.ts"
import { clientAddress } from "./clientAddress.ts"
import { passToPage, refuseUnroutable } from "./pageGate.ts"
import { isReplay } from "./repeats.ts"

type Request = HttpServerRequest.HttpServerRequest

const ownerOfStream = (
  quotas: typeof Quotas.Service,
  caller: Caller | undefined,
  address: string
): Effect.Effect<StreamOwner, Unavailable> => {
  if (caller === undefined)
    return Effect.succeed({ key: undefined, address: networkOf(address), organization: undefined, quota: null })
  const { credential, organization } = caller
  return Effect.map(orUnavailable(quotas.of(organization.id)), (found) => ({
    key: credential.type === "local" ? undefined : `${credential.type} ${credential.id}`,
    address: networkOf(address),
    organization: organization.id,
    quota: found.streams
  }))
}

/** Rechecks the caller's access for long-lived answers; undefined if nothing can change it. */
const accessAgain = (
  authenticator: typeof Authenticator.Service,
  sessions: typeof Sessions.Service,
  request: Request,
  organization: Route["organization"],
  caller: Caller | undefined,
  asked: Parameters<typeof authorize>[1]
) =>
  Effect.map(Effect.context<Places>(), (places) => {
    const token = credentialOf(request, asked.operation)
    return token === undefined || caller === undefined || caller.credential.type === "local"
      ? undefined
      : asServer(
          Effect.provide(
            authenticator.authenticate(token).pipe(
              Effect.flatMap((present) => callerIn(sessions, present, organization)),
              // The caller is no longer a member. That ends the answer like any other loss of access.
              Effect.catchTag("NotFound", ({ detail }) => new Forbidden({ detail })),
              Effect.flatMap((present) => authorize(present, asked))
            ),
            places
          )
        )
  })

/** Operations whose answers contain a key, a token or a code. Caches must not store them. */
const secretOperations: ReadonlySet<OperationName> = new Set(
  operations.filter((operation) => operation.isSecret).map((operation) => operation.name)
)

/**
 * The only way from a request to its handler: finds the operation, authenticates the caller (`Authenticator`), selects the
 * organization (`callerIn`), authorizes the call by the contract (`authorize`) and applies rate limits (`RateLimits`). The
 * handler then sees only the rows of that organization. Every write and every refusal gets an audit entry, from the writer in its
 * own transaction or else from here.
 */
export const makeGate = Effect.gen(function* () {
  const mode = yield* AccessMode
  const authenticator = yield* Authenticator
  const tokens = yield* RegistryTokens
  const sessions = yield* Sessions
  const rates = yield* RateLimits
  const audit = yield* Audit
  const quotas = yield* Quotas
  const streams = makeOpenStreams(mode.streams)

  /** Runs an operation if the contract allows this caller to. */
  const passToOperation = <R>(
    request: Request,
    { organization, parameters }: Route,
    operation: OperationName,
    caller: Caller | undefined,
    address: string,
    handle: Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>
  ) =>
    Effect.gen(function* () {
      const query = new URL(request.url, "http://localhost").searchParams
      const asked = { operation, parameters, query, verifiedOnly: mode.verifiedOnly }
      if (caller !== undefined) yield* authorize(caller, asked)
      const again = yield* accessAgain(authenticator, sessions, request, organization, caller, asked)
      const { noted, value: handled } = yield* noting(Effect.provideService(handle, StillAllowed, again ?? Effect.void))
      if (handled.body._tag === "Stream") yield* streams.take(yield* ownerOfStream(quotas, caller, address))
      const answered = bodyWithRows(handled, caller?.organization.id ?? "none")
      yield* auditRequest(audit, operation, request, answered.status, noted, isReplay(answered))
      return again === undefined ? answered : endWithAccess(answered, again)
    }).pipe(
      Effect.tapErrorTag("Forbidden", () => Effect.ignore(auditRequest(audit, operation, request, 403, false))),
      Effect.provideService(CurrentCaller, caller),
      Effect.provideService(OpenStreamsOf, streams.of),
      Effect.provideService(RowScope, caller?.organization.id ?? "none")
    )

  /**
   * The caller in the organization that the path names. Refusals are audited in the credential's own organization: the named one
   * might not exist.
   */
  const select = (request: Request, { organization }: Route, operation: OperationName, caller: Caller) => {
    const subject = `organizations/${organization}/${subjectOf(request)}`.slice(0, 300)
    const entry = { action: operation, outcome: "refused", status: 404, subject } as const
    return callerIn(sessions, caller, organization).pipe(
      Effect.tapErrorTag("NotFound", () => Effect.ignore(audit.append(entry))),
      Effect.provideService(CurrentCaller, caller)
    )
  }

  /** `handle` never fails: its answer contains the error. */
  return <R>(
    request: Request,
    route: Route | undefined,
    handle: Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>
  ) =>
    Effect.gen(function* () {
      const operation = route?.operations.get(request.method)
      const address = clientAddress(request, mode.trustedProxies)
      yield* refuseForeign(mode, rates, audit, request, operation ?? pageName(route), address)
      if (route === undefined || operation === undefined) {
        yield* refuseUnroutable(rates, request, route, address)
        return yield* passToPage(mode, rates, request, route, address, handle)
      }
      return yield* Effect.gen(function* () {
        yield* announceDeprecation(rowOf(operation))
        if (secretOperations.has(operation)) yield* withHeaders({ "cache-control": "no-store" })
        const admitted = yield* admit(mode, rates, authenticator, tokens, request, operation, address)
        const caller = admitted === undefined ? undefined : yield* select(request, route, operation, admitted)
        return yield* passToOperation(request, route, operation, caller, address, handle)
      }).pipe(
        Effect.tapErrorTag("Unauthenticated", () => Effect.ignore(auditRequest(audit, operation, request, 401, false))),
        Effect.provideService(CurrentOperation, operation),
        Effect.provideService(ClientAddress, address),
        asNobody
      )
    })
})
