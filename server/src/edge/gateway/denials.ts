import { codeOf } from "@maxcloud/sdk/errors"
import { type Language, languageOf } from "../../base/pages/acceptLanguage.ts"
import { type Problem, problemContentType, problemText, refusalContent } from "../../base/pages/refusalContent.ts"
import { requestIdOf } from "../../base/words/RequestId.ts"
import type { CheckRequest } from "./CheckRequest.ts"
import type { Denial } from "./checkResponse.ts"
import type { Misnamed } from "./decide.ts"

/**
 * Seconds until the next attempt, as in the local runtime (`pausedRetrySeconds`): soon enough to notice a resume, rare enough to
 * cost nothing.
 */
const retryAfter = 60

/** The members of a problem document that identify the request. The authorizer doesn't know the server's URL. */
const aboutRequest = ({ headers, path }: CheckRequest) => ({
  type: "about:blank",
  instance: path.split(/[?#]/, 1)[0]?.slice(0, 1_000),
  requestId: requestIdOf(headers.get("x-request-id"))
})

const headersOf = ({ requestId }: Problem, contentType: string) => ({
  "content-type": contentType,
  "cache-control": "no-store",
  "x-request-id": requestId
})

/** All refusals are the same, so that they don't reveal which hosts exist. */
export const refused = (request: CheckRequest): Denial => {
  const problem = {
    ...aboutRequest(request),
    title: "Forbidden",
    status: 403,
    detail:
      "This host isn't open to the caller. A service can call the services of its stage that its config links to. Add the link and deploy.",
    code: codeOf("Forbidden")
  }
  return { status: problem.status, headers: headersOf(problem, problemContentType), body: problemText(problem) }
}

/** A linked service was called by its bare name. */
export const notFoundByName = (request: CheckRequest, { bare, host, variables }: Misnamed): Denial => {
  const variable = variables.length === 0 ? "" : `, or the URL in the variable ${variables.join(" or ")}`
  const problem = {
    ...aboutRequest(request),
    title: "Not found",
    status: 404,
    detail: `"${bare}" alone isn't a host of the gateway. Call http://${host}/${variable}.`,
    code: codeOf("NotFound")
  }
  return { status: problem.status, headers: headersOf(problem, problemContentType), body: problemText(problem) }
}

const texts = {
  en: { title: "This service is paused", detail: "Its owner has paused it. Please try again later." },
  de: {
    title: "Dieser Dienst ist pausiert",
    detail: "Der Betreiber hat ihn vorübergehend pausiert. Bitte versuchen Sie es später noch einmal."
  }
} as const satisfies Readonly<Record<Language, unknown>>

/** The answer for a paused service: a page for browsers, a problem document (RFC 9457) for everyone else. */
export const paused = (request: CheckRequest): Denial => {
  const { headers } = request
  const language = languageOf(headers.get("accept-language"))
  const problem = { ...aboutRequest(request), status: 503, code: codeOf("Paused"), ...texts[language] }
  const { body, contentType } = refusalContent(problem, headers.get("accept"), { language })
  return {
    status: 503,
    headers: {
      ...headersOf(problem, contentType),
      "content-language": language,
      "retry-after": String(retryAfter),
      vary: "Accept, Accept-Language"
    },
    body
  }
}
