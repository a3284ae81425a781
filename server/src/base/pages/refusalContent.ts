import type { Language } from "./acceptLanguage.ts"
import { escapeHtml } from "./escapeHtml.ts"

/** A problem document (RFC 9457) for a service's caller. */
export interface Problem {
  /** The URL of a page that explains it; `about:blank` if the server's URL isn't known. */
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  /** The request's path, without its query. Undefined: the request couldn't be read. */
  readonly instance: string | undefined
  readonly requestId: string
}

export const problemContentType = "application/problem+json"

export const problemText = ({ code, detail, instance, requestId, status, title, type }: Problem): string =>
  `${JSON.stringify({ type, title, status, detail, code, instance, requestId })}\n`

const style = `body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1.5rem;color:#1a1a1a;background:#fff}
@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}}`

const page = (heading: string, { detail, title }: Problem, language: Language): string => `<!doctype html>
<html lang="${language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
<h1>${escapeHtml(heading)}</h1>
<p>${escapeHtml(detail)}</p>
</html>
`

/** A refusal to a service's caller: a page for browsers, by `Accept`, and a problem document for everyone else. */
export const refusalContent = (
  problem: Problem,
  accept: string | undefined,
  { heading = problem.title, language = "en" }: { readonly heading?: string; readonly language?: Language } = {}
): { readonly contentType: string; readonly body: string } =>
  accept?.includes("text/html") === true
    ? { contentType: "text/html; charset=utf-8", body: page(heading, problem, language) }
    : { contentType: problemContentType, body: problemText(problem) }
