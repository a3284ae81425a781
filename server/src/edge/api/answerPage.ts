import { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import type { Page } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"

/**
 * Answers with a page of a list: an array, and the address of the next page in `Link` (RFC 8288). It is relative to the request's own, because
 * a proxy may have changed host and scheme.
 */
export const answerPage = <A, I, E, R>(
  list: { readonly answer: Schema.Schema<ReadonlyArray<A>, ReadonlyArray<I>> },
  page: Effect.Effect<Page<A>, E, R>
) =>
  Effect.gen(function* () {
    const { items, next } = yield* page
    const body = Schema.encodeSync(list.answer)(items)
    if (next === null) return HttpServerResponse.unsafeJson(body)
    const { pathname, searchParams } = new URL((yield* HttpServerRequest.HttpServerRequest).url, "http://localhost")
    searchParams.set("cursor", next)
    return HttpServerResponse.unsafeJson(body, { headers: { link: `<${pathname}?${searchParams}>; rel="next"` } })
  })
