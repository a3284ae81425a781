import type { HttpServerRequest } from "@effect/platform"
import { type OperationName, rowOf, Unavailable } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { Audit } from "../../tenancy/audit/Audit.ts"
import { page, pathOf, type Route } from "../http/routeTable.ts"

/** Answers that say nothing of an attempt: what was sent could not be read, or was too much. */
const notAudited: ReadonlySet<number> = new Set([400, 405, 408, 413, 415, 429, 431])
const refusals: ReadonlySet<number> = new Set([401, 403])

/** Appends the entry that the handler has not. A write that cannot be told is not told as done. */
export const auditRequest = (
  audit: typeof Audit.Service,
  operation: OperationName,
  request: HttpServerRequest.HttpServerRequest,
  status: number,
  alreadyTold: boolean
): Effect.Effect<void, Unavailable> => {
  const refused = refusals.has(status)
  if ((alreadyTold && status < 400) || notAudited.has(status) || !(rowOf(operation).writes || refused))
    return Effect.void
  const outcome = status < 400 ? "succeeded" : refused ? "refused" : "failed"
  return audit.append({ action: operation, outcome, status, subject: subjectOf(request) }).pipe(
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

/** How the audit log calls a page: `page.landing`. */
export const pageName = (route: Route | undefined) =>
  `page.${Object.entries(page).find(([, pattern]) => pattern === route?.pattern)?.[0] ?? "none"}`

/** What an entry of the audit log says that a request was about: its path, without the API's prefix. */
export const subjectOf = ({ url }: Pick<HttpServerRequest.HttpServerRequest, "url">) =>
  pathOf(url)
    .replace(/^\/api\/v1\//, "")
    .slice(0, 300)
