import { HttpLayerRouter, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { MaxCloudApi } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { Disk } from "../../base/disk/Disk.ts"
import { DiskTrouble } from "../../base/disk/DiskTrouble.ts"
import { Metrics } from "../../base/telemetry/Metrics.ts"
import { RequestId, requestIdOf } from "../../base/words/RequestId.ts"
import { KeptAnswers } from "../../tenancy/repeats/KeptAnswers.ts"
import { leadOnIn } from "../http/leadOnIn.ts"
import { invalidRequest } from "../http/problems.ts"
import { pathOf, type Route, routeOf } from "../http/routeTable.ts"
import { makeGate } from "./gate/gate.ts"
import { withJsonBody } from "./gate/jsonBody.ts"
import { jsonBudgetOf } from "./gate/jsonBudget.ts"
import { refuseOutdatedClients } from "./gate/outdatedClients.ts"
import { answerOnce } from "./gate/repeats.ts"
import { appsHandlers } from "./handlers/appsHandlers.ts"
import { auditHandlers } from "./handlers/auditHandlers.ts"
import { authHandlers } from "./handlers/authHandlers.ts"
import { deploymentsHandlers } from "./handlers/deploymentsHandlers.ts"
import { eventsHandlers } from "./handlers/eventsHandlers.ts"
import { healthHandlers } from "./handlers/healthHandlers.ts"
import { infoHandlers } from "./handlers/infoHandlers.ts"
import { accountHandlers, erasuresHandlers, organizationHandlers } from "./handlers/organizationHandlers.ts"
import { policiesHandlers } from "./handlers/policiesHandlers.ts"
import { registriesHandlers } from "./handlers/registriesHandlers.ts"
import { registryKeysHandlers, registryTokensHandlers } from "./handlers/registryHandlers.ts"
import { servicesHandlers } from "./handlers/servicesHandlers.ts"
import { signInHandlers } from "./handlers/signInHandlers.ts"
import { sourcesHandlers } from "./handlers/sourcesHandlers.ts"
import { usageHandlers } from "./handlers/usageHandlers.ts"
import { webhooksHandlers } from "./handlers/webhooksHandlers.ts"
import { pages } from "./pages/pages.ts"
import { explained, refuseUnknownParameters } from "./problems/requestErrors.ts"
import { translate } from "./problems/translate.ts"

const operations = HttpLayerRouter.addHttpApi(MaxCloudApi).pipe(
  Layer.provide([
    healthHandlers,
    infoHandlers,
    servicesHandlers,
    appsHandlers,
    deploymentsHandlers,
    sourcesHandlers,
    usageHandlers,
    eventsHandlers,
    webhooksHandlers,
    policiesHandlers,
    registriesHandlers,
    registryTokensHandlers,
    registryKeysHandlers,
    signInHandlers,
    authHandlers,
    organizationHandlers,
    accountHandlers,
    erasuresHandlers,
    auditHandlers
  ])
)

/** Every route of the server: the API's operations and the pages. */
export const routes = Layer.mergeAll(operations, pages)

/** Refuses NUL. No name contains it, and Postgres would fail the query. */
const refuseNul = ({ url }: HttpServerRequest.HttpServerRequest, route: Route | undefined) =>
  url.includes("%00") && route !== undefined
    ? invalidRequest("The URL contains a NUL character (%00). Remove it.")
    : Effect.void

/**
 * Handles one request from its head to its answer: authentication, body, route and translated errors, with the request id, log
 * line, metrics and common headers around them. Never fails.
 */
export const apiApp = Effect.gen(function* () {
  // Use a separate memo map: with the process-wide one, a second server would get the handlers of the first.
  const router = yield* HttpLayerRouter.toHttpEffect(routes).pipe(
    Effect.provideServiceEffect(Layer.CurrentMemoMap, Layer.makeMemoMap)
  )
  const metrics = yield* Metrics
  const gate = yield* makeGate
  const disk = yield* Disk
  const once = answerOnce(yield* KeptAnswers, yield* Effect.scope)
  return Effect.gen(function* () {
    const received = yield* HttpServerRequest.HttpServerRequest
    const route = routeOf(received.url)
    // The router and the handlers know only the short path; problem documents show the requested one.
    const request = route === undefined || route.url === received.url ? received : received.modify({ url: route.url })
    const requestId = requestIdOf(request.headers["x-request-id"])
    const arrival = performance.now()
    const handled = Effect.gen(function* () {
      const operation = route?.operations.get(request.method)
      if (route === undefined || operation === undefined) return yield* router
      yield* refuseOutdatedClients(operation, request)
      yield* refuseUnknownParameters(operation, request)
      // The handler streams snapshots itself; some operations (`pause`) have no body.
      const { json, read } = route.withJson.has(request.method)
        ? yield* withJsonBody(request, jsonBudgetOf(operation))
        : { json: undefined, read: request }
      const answered = Effect.provideService(router, HttpServerRequest.HttpServerRequest, read)
      const response = yield* once(operation, request, json, answered)
      return yield* explained(operation, request, route, json, response)
    })
    const passed = Effect.andThen(refuseNul(request, route), gate(request, route, translate(requestId, handled)))
    const response = yield* translate(requestId, passed).pipe(
      Effect.provideService(DiskTrouble, () => disk.problem()?.message),
      Effect.annotateLogs("requestId", requestId),
      Effect.provideService(RequestId, requestId)
    )
    if (route?.organization !== undefined) yield* leadOnIn(route.organization)
    const seconds = (performance.now() - arrival) / 1000
    metrics.request({ method: request.method, route: route?.pattern ?? "none", status: response.status, seconds })
    yield* Effect.logDebug(`${request.method} ${pathOf(received.url)}`).pipe(
      Effect.annotateLogs({ requestId, status: response.status, ms: Math.round(seconds * 1000) })
    )
    return HttpServerResponse.setHeaders(response, {
      "x-request-id": requestId,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin"
    })
  })
})
