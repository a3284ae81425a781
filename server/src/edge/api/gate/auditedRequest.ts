import type { HttpServerRequest } from "@effect/platform"
import { type OperationName, rowOf, Unavailable } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { Audit } from "../../../tenancy/audit/Audit.ts"
import { page, pathOf, type Route } from "../../http/routeTable.ts"

/** With these statuses nobody attempted an operation: the request was unreadable, too large or too frequent. */
const notAudited: ReadonlySet<number> = new Set([400, 405, 408, 413, 415, 429, 431])
const refusals: ReadonlySet<number> = new Set([401, 403])

/**
 * Writes the audit entry of a request, unless the handler has already written it (`alreadyNoted`). A replay changes nothing, but
 * may reveal a secret again. If a write succeeded but can't be logged, the caller gets `Unavailable` instead of a success.
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
      Effect.logError("Couldn't write to the audit log", cause).pipe(
        Effect.andThen(
          status >= 400
            ? Effect.void
            : new Unavailable({
                detail: "The change was made, but the audit log is unavailable. Check the result before you try again.",
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
