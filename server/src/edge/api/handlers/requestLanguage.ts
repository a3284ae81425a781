import { HttpServerRequest } from "@effect/platform"
import { Effect } from "effect"
import { languageOf } from "../../../base/pages/acceptLanguage.ts"
import { CurrentLanguage } from "../../../tenancy/identity/Language.ts"

/** Sends mail caused by this request in the request's language (`Accept-Language`). */
export const inRequestLanguage = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
    Effect.provideService(effect, CurrentLanguage, languageOf(headers["accept-language"]))
  )
