import { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import type { Page } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { nextPage } from "./nextPage.ts"

/**
 * Answers with a page of a list: an array, and the address of the next page in `Link`.
 */
export const answerPage = <A, I, E, R>(
  list: { readonly answer: Schema.Schema<ReadonlyArray<A>, ReadonlyArray<I>> },
  page: Effect.Effect<Page<A>, E, R>
) =>
  Effect.gen(function* () {
    const { items, next } = yield* page
    const body = Schema.encodeSync(list.answer)(items)
    if (next === null) return HttpServerResponse.unsafeJson(body)
    const { url } = yield* HttpServerRequest.HttpServerRequest
    return HttpServerResponse.unsafeJson(body, { headers: { link: nextPage(url, next) } })
  })
