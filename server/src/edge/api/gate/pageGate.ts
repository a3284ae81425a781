import type { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Forbidden, MethodNotAllowed } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { asNobody, asServer, RowScope } from "../../../base/database/RowScope.ts"
import { ClientAddress, CurrentCaller } from "../../../tenancy/access/Caller.ts"
import { networkOf } from "../../../tenancy/identity/signInLimits.ts"
import { limits } from "../../../tenancy/limits/limits.ts"
import type { RateLimits } from "../../../tenancy/limits/RateLimits.ts"
import type { AccessMode } from "../../http/AccessMode.ts"
import { nothingAt } from "../../http/problems.ts"
import { page, pathOf, type Route } from "../../http/routeTable.ts"
import { announced, ownerOf, requireOwner } from "./admission.ts"

type Request = HttpServerRequest.HttpServerRequest

/** Pages that are the same for everybody and reveal nothing about this server. */
const publicPages: ReadonlySet<string> = new Set([page.docs, page.openapi, page.problem, page.problems])

/** The router gets only paths of the table: it might read another path differently than the policy does. */
export const refuseUnroutable = (
  rates: typeof RateLimits.Service,
  request: Request,
  route: Route | undefined,
  address: string
) => {
  if (route?.methods.has(request.method) === true) return Effect.void
  const path = pathOf(request.url).slice(0, 200)
  const allow = [...(route?.methods ?? [])].sort()
  const refusal =
    route === undefined
      ? nothingAt(path)
      : new MethodNotAllowed({ detail: `${path} takes ${allow.join(", ")}, not ${request.method}.`, allow })
  // Doesn't need the database, so it works without one.
  return asNobody(asServer(announced(rates.take(limits.open, networkOf(address))))).pipe(
    Effect.catchTag("Unavailable", () => Effect.void),
    Effect.zipRight(Effect.fail(refusal))
  )
}

/** Serves a page if the caller may see it. */
export const passToPage = <R>(
  mode: typeof AccessMode.Service,
  rates: typeof RateLimits.Service,
  request: Request,
  route: Route | undefined,
  address: string,
  handle: Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>
) =>
  Effect.gen(function* () {
    const isPublic = publicPages.has(route?.pattern ?? "") || (route?.pattern === page.metrics && mode.openMetrics)
    if (!isPublic) yield* requireOwner(mode, rates, request, address)
    if (route?.pattern === page.metrics && mode.local === undefined && !mode.openMetrics) {
      // An untrusted proxy on this machine has the machine's address, whoever sends the request.
      const { forwarded, via, "x-forwarded-for": forwardedFor } = request.headers
      const isHandedOn = mode.trustedProxies.rules.length === 0 && (forwarded ?? via ?? forwardedFor) !== undefined
      if (isHandedOn || !/^(127\.|::1$)/.test(address)) {
        return yield* new Forbidden({
          detail:
            "Metrics are available only on this machine. Set MAXCLOUD_OPEN_METRICS=1 on the server to open them to others."
        })
      }
    }
    const caller = mode.local === undefined ? undefined : ownerOf(mode.local.organization)
    return yield* handle.pipe(
      Effect.provideService(CurrentCaller, route?.pattern === page.landing ? caller : undefined),
      Effect.provideService(ClientAddress, address),
      Effect.provideService(RowScope, caller?.organization.id ?? "none")
    )
  })
