import type { HttpServerRequest } from "@effect/platform"
import { type OperationName, rowOf, Unavailable } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { Audit } from "../../../tenancy/audit/Audit.ts"
import { page, pathOf, type Route } from "../../http/routeTable.ts"

/** With these statuses nobody attempted an operation: the request couldn't be read, or was too much. */
const notAudited: ReadonlySet<number> = new Set([400, 405, 408, 413, 415, 429, 431])
const refusals: ReadonlySet<number> = new Set([401, 403])

/**
 * Writes the entry of a request to the audit log, unless the handler has written it (`alreadyNoted`). A replay changes nothing, but may show
 * a secret again. If a write succeeded but can't be
 * logged, the caller gets `Unavailable` instead of a success.
 */
export const auditRequest = (
  audit: typeof Audit.Service,
  operation: OperationName,
  request: HttpServerRequest.HttpServerRequest,
  status: number,
  alreadyNoted: boolean,
  isReplay = false
): Effect.Effect<void, Unavailable> => {
  const refused = refusals.has(status)
  if ((alreadyNoted && status < 400) || notAudited.has(status) || !(rowOf(operation).writes || refused))
    return Effect.void
  const subject = `${subjectOf(request)}${isReplay ? " (replay)" : ""}`
  const outcome = status < 400 ? "succeeded" : refused ? "refused" : "failed"
  return audit.append({ action: operation, outcome, status, subject }).pipe(
    Effect.catchAll((cause) =>
      Effect.logError("the audit log cannot be written", cause).pipe(
        Effect.andThen(
          status >= 400
            ? Effect.void
            : new Unavailable({
                detail:
                  "It was done, but the audit log cannot be written at the moment: look whether it is as you want it.",
                retryAfterSeconds: 5
              })
        )
      )
    )
  )
}

/** The name of a page in the audit log, such as `page.landing`. */
export const pageName = (route: Route | undefined) =>
  `page.${Object.entries(page).find(([, pattern]) => pattern === route?.pattern)?.[0] ?? "none"}`

/** The subject of a request in the audit log: its path, without the API's prefix. */
export const subjectOf = ({ url }: Pick<HttpServerRequest.HttpServerRequest, "url">) =>
  pathOf(url)
    .replace(/^\/api\/v1\//, "")
    .slice(0, 300)
