import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
import { ServiceList } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { htmlPage } from "../../../base/pages/htmlPage.ts"
import { Metrics } from "../../../base/telemetry/Metrics.ts"
import { Services } from "../../../control/services/Services.ts"
import { CurrentCaller } from "../../../tenancy/access/Caller.ts"
import { AccessMode } from "../../http/AccessMode.ts"
import { page } from "../../http/routeTable.ts"
import { authPages } from "../../pages/authPages.ts"
import { problemPages } from "../../pages/problemPages.ts"
import { docsPage } from "./docsPage.ts"
import { closedLandingPage, landingPage } from "./landingPage.ts"

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

/** Built on first use: it takes a while, and most servers never show it. */
function openApiModule() {
  return Effect.promise(() => import("../openapi/openApi.ts"))
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
        const { items, next } = yield* services.page(organization, {}, ServiceList.pagingOf({}))
        return htmlPage("max-cloud", landingPage(organization.name, items, next !== null))
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

/** All pages: the API reference, the metrics, the running services, the sign-in pages, and the pages about problems. */
export const pages = Layer.mergeAll(documentRoutes, landingRoute, metricsRoute, authPages, problemPages)
