import { HttpApp, HttpServerResponse } from "@effect/platform"
import type { EndpointRow } from "@maxcloud/sdk/api"
import { Effect } from "effect"

type Deprecated = NonNullable<EndpointRow["deprecated"]>

/**
 * `Deprecation` is a date of RFC 9651 (RFC 9745), `Sunset` an HTTP-date (RFC 8594), and `Link` points to the replacement (RFC
 * 8288).
 */
const fieldsOf = ({ replacement, since, sunset }: Deprecated, link: string | undefined) => ({
  deprecation: `@${Date.parse(since) / 1000}`,
  sunset: new Date(sunset).toUTCString(),
  link: [link, `<${replacement}>; rel="successor-version"`].filter((each) => each !== undefined).join(", ")
})

/** Announces in this request's answer, success or refusal, that the operation will be removed. */
export const announceDeprecation = ({ deprecated }: Pick<EndpointRow, "deprecated">): Effect.Effect<void> =>
  deprecated === undefined
    ? Effect.void
    : HttpApp.appendPreResponseHandler((_, response) =>
        Effect.succeed(HttpServerResponse.setHeaders(response, fieldsOf(deprecated, response.headers["link"])))
      )
