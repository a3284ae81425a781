import { HttpApp, HttpServerResponse } from "@effect/platform"
import { inOrganization } from "@maxcloud/sdk/api"
import { Effect } from "effect"

/**
 * Makes this request's answer lead on in the organization that its path names: `Location` and `Link` (RFC 8288). Handlers write the short
 * form, which would be about the credential's own. Comes last, after all that adds header fields.
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
