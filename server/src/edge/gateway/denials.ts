import { type Language, languageOf } from "../../base/pages/acceptLanguage.ts"
import type { Denial } from "./checkResponse.ts"

/** Seconds until the next try. Nobody knows when a service is resumed: soon enough to notice, rarely enough to cost nothing. */
const retryAfter = 60

const problem = (status: number, title: string, detail: string): string =>
  JSON.stringify({ type: "about:blank", title, status, detail })

/** Every refusal is the same, so that it doesn't reveal which hosts exist. */
export const refused: Denial = {
  status: 403,
  headers: { "content-type": "application/problem+json", "cache-control": "no-store" },
  body: problem(
    403,
    "Forbidden",
    "This host isn't open to the caller. A service can call the services of its stage that its config links to. Add the link and deploy."
  )
}

const texts = {
  en: { title: "This service is paused", detail: "Its owner has paused it. Please try again later." },
  de: {
    title: "Dieser Dienst ist pausiert",
    detail: "Der Betreiber hat ihn vorübergehend pausiert. Bitte versuchen Sie es später noch einmal."
  }
} as const satisfies Readonly<Record<Language, unknown>>

const page = (language: Language): string => {
  const { detail, title } = texts[language]
  return `<!doctype html>
<html lang="${language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:20vh auto;padding:0 1.5rem;color:#1a1a1a;background:#fff}
@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}}</style>
<h1>${title}</h1>
<p>${detail}</p>
</html>
`
}

/** The answer of a paused service: a page for browsers, a problem document (RFC 9457) for everyone else. */
export const paused = (headers: ReadonlyMap<string, string>): Denial => {
  const language = languageOf(headers.get("accept-language"))
  const html = (headers.get("accept") ?? "").includes("text/html")
  const { detail, title } = texts[language]
  return {
    status: 503,
    headers: {
      "content-type": html ? "text/html; charset=utf-8" : "application/problem+json",
      "content-language": language,
      "retry-after": String(retryAfter),
      "cache-control": "no-store",
      vary: "Accept, Accept-Language"
    },
    body: html ? page(language) : problem(503, title, detail)
  }
}
