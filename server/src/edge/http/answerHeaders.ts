import { HttpApp, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"

/** Adds header fields to this request's answer, success or refusal. Fields that the answer already has stay. */
export const withHeaders = (fields: Readonly<Record<string, string>>): Effect.Effect<void> =>
  HttpApp.appendPreResponseHandler((_, response) => {
    const missing = Object.entries(fields).filter(([name]) => response.headers[name] === undefined)
    return Effect.succeed(HttpServerResponse.setHeaders(response, Object.fromEntries(missing)))
  })

/** Names the resource that a 201 or 202 refers to (RFC 9110, 15.3.2 and 15.3.3). */
export const locatedAt = (path: `/${string}`) => withHeaders({ location: path })

/**
 * Names the resource that shows the progress of an accepted change, for an answer without a body (RFC 8288; the relation is from
 * RFC 5989).
 */
export const monitoredAt = (path: `/${string}`) => withHeaders({ link: `<${path}>; rel="monitor"` })
