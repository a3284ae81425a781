import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
import { Effect, Layer } from "effect"
import { CurrentCaller } from "../identity/Caller.ts"
import { Services } from "../services/Services.ts"
import { Metrics } from "../telemetry/Metrics.ts"
import { AccessMode } from "./AccessMode.ts"
import { authPages } from "./auth/authPages.ts"
import { docsPage } from "./docsPage.ts"
import { htmlPage } from "./htmlPage.ts"
import { closedLandingPage, landingPage } from "./landingPage.ts"
import { page } from "./routeTable.ts"

const documentRoutes = HttpLayerRouter.addAll([
  HttpLayerRouter.route(
    "GET",
    page.openapi,
    Effect.map(openApiModule(), ({ openApi }) => HttpServerResponse.unsafeJson(openApi()))
  ),
  HttpLayerRouter.route(
    "GET",
    page.docs,
    Effect.map(openApiModule(), ({ openApi }) => htmlPage("max-cloud API", docsPage(openApi())))
  )
])

/** Made when it is first asked for: it takes a while, and most runs of a server never show it. */
function openApiModule() {
  return Effect.promise(() => import("./openapi.ts"))
}

const landingRoute = HttpLayerRouter.use((router) =>
  Effect.gen(function* () {
    const services = yield* Services
    const { publicUrl } = yield* AccessMode
    yield* router.add(
      "GET",
      page.landing,
      Effect.gen(function* () {
        const caller = yield* CurrentCaller
        if (caller === undefined) return htmlPage("max-cloud", closedLandingPage(publicUrl))
        const { organization } = caller
        return htmlPage("max-cloud", landingPage(organization.name, yield* services.list(organization, {})))
      })
    )
  })
)

const metricsRoute = HttpLayerRouter.use((router) =>
  Effect.gen(function* () {
    const metrics = yield* Metrics
    yield* router.add(
      "GET",
      page.metrics,
      Effect.map(Effect.promise(metrics.render), (text) =>
        HttpServerResponse.text(text, { contentType: metrics.contentType })
      )
    )
  })
)

/** What there is beside the API's operations: its reference, the metrics, a page that shows what runs, and those where people sign in. */
export const pages = Layer.mergeAll(documentRoutes, landingRoute, metricsRoute, authPages)
