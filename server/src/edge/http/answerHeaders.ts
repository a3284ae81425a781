import { HttpApp, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"

/**
 * Adds header fields to the answer of this request, whatever it will be: a success, or the refusal of somebody further on. A field that the
 * answer has by itself stays.
 */
export const withHeaders = (fields: Readonly<Record<string, string>>): Effect.Effect<void> =>
  HttpApp.appendPreResponseHandler((_, response) => {
    const missing = Object.entries(fields).filter(([name]) => response.headers[name] === undefined)
    return Effect.succeed(HttpServerResponse.setHeaders(response, Object.fromEntries(missing)))
  })

/** Names the resource that a 201 or 202 is about (RFC 9110, 15.3.2 and 15.3.3). */
export const locatedAt = (path: `/${string}`) => withHeaders({ location: path })

/** Names the resource that tells how far an accepted change is, of an answer without a body (RFC 8288; the relation is of RFC 5989). */
export const monitoredAt = (path: `/${string}`) => withHeaders({ link: `<${path}>; rel="monitor"` })
