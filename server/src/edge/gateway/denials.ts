import { type Language, languageOf } from "../../base/pages/acceptLanguage.ts"
import { problemContentType, problemText, refusalContent } from "../../base/pages/refusalContent.ts"
import type { Denial } from "./checkResponse.ts"

/** Seconds until the next try, as in the local runtime (`pausedRetrySeconds`): soon enough to notice a resume, rarely enough to cost nothing. */
const retryAfter = 60

/** Every refusal is the same, so that it doesn't reveal which hosts exist. */
export const refused: Denial = {
  status: 403,
  headers: { "content-type": problemContentType, "cache-control": "no-store" },
  body: problemText({
    type: "about:blank",
    title: "Forbidden",
    status: 403,
    detail:
      "This host isn't open to the caller. A service can call the services of its stage that its config links to. Add the link and deploy."
  })
}

const texts = {
  en: { title: "This service is paused", detail: "Its owner has paused it. Please try again later." },
  de: {
    title: "Dieser Dienst ist pausiert",
    detail: "Der Betreiber hat ihn vorübergehend pausiert. Bitte versuchen Sie es später noch einmal."
  }
} as const satisfies Readonly<Record<Language, unknown>>

/** The answer of a paused service: a page for browsers, a problem document (RFC 9457) for everyone else. */
export const paused = (headers: ReadonlyMap<string, string>): Denial => {
  const language = languageOf(headers.get("accept-language"))
  const problem = { type: "about:blank", status: 503, ...texts[language] }
  const { body, contentType } = refusalContent(problem, headers.get("accept"), { language })
  return {
    status: 503,
    headers: {
      "content-type": contentType,
      "content-language": language,
      "retry-after": String(retryAfter),
      "cache-control": "no-store",
      vary: "Accept, Accept-Language"
    },
    body
  }
}
