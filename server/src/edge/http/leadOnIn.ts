import { HttpApp, HttpServerResponse } from "@effect/platform"
import { inOrganization } from "@maxcloud/sdk/api"
import { Effect } from "effect"

/**
 * Rewrites `Location` and `Link` (RFC 8288) to the organization that the request's path names. Handlers write the short form,
 * which means the credential's own organization. Must run after everything that adds header fields.
 */
export const leadOnIn = (organization: string): Effect.Effect<void> =>
  HttpApp.appendPreResponseHandler((_, response) => {
    const { link, location } = response.headers
    const links = link?.replace(/<([^<>]*)>/g, (_, target: string) => `<${inOrganization(target, organization)}>`)
    return Effect.succeed(
      HttpServerResponse.setHeaders(response, {
        ...(links === undefined ? undefined : { link: links }),
        ...(location === undefined ? undefined : { location: inOrganization(location, organization) })
      })
    )
  })
