import { HttpIncomingMessage, HttpServerRequest, type HttpServerResponse } from "@effect/platform"
import { type ApiError, Forbidden } from "@maxcloud/sdk/api"
import { Cause, Data, Effect, Option } from "effect"
import { type Language, languageOf } from "../../base/pages/acceptLanguage.ts"
import { escapeHtml } from "../../base/pages/escapeHtml.ts"
import { htmlPage } from "../../base/pages/htmlPage.ts"
import { CurrentLanguage } from "../../tenancy/identity/Language.ts"
import { isApiError } from "../http/problems.ts"
import { pathOf } from "../http/routeTable.ts"
import { type BrowserCookie, formToken, isFormToken, newCookie, readCookie, writeCookie } from "./browserCookie.ts"
import { type Texts, texts } from "./texts.ts"

type Headers = Readonly<Record<string, string>>

const maxFormBytes = 16 * 1024

/** The context of a page: its reader, and the server's URLs. */
export interface Visit {
  readonly publicUrl: string
  readonly language: Language
  readonly say: Texts
  readonly cookie: BrowserCookie
  readonly query: URLSearchParams
}

/** The form doesn't come from a page that this server recently showed to this browser. */
export class StaleForm extends Data.TaggedError("StaleForm") {}

const isSecure = (publicUrl: string) => publicUrl.startsWith("https:")

export const visitOf = (request: HttpServerRequest.HttpServerRequest, publicUrl: string): Visit => {
  const language = languageOf(request.headers["accept-language"])
  return {
    publicUrl,
    language,
    say: texts[language],
    cookie: readCookie(request.headers.cookie, isSecure(publicUrl)) ?? newCookie(),
    query: new URL(request.url, "http://localhost").searchParams
  }
}

const rendered = (visit: Visit, title: string, body: string, status: number, headers?: Headers) =>
  htmlPage(`${title} · max-cloud`, `<h1>${escapeHtml(title)}</h1>${body}`, {
    language: visit.language,
    status,
    forms: true,
    headers: { "content-language": visit.language, vary: "accept-language, cookie", ...headers }
  })

/** A page, and the cookie that its forms are bound to. `body` is HTML. */
export const show = (visit: Visit, title: string, body: string, status = 200, headers?: Headers) =>
  rendered(visit, title, body, status, {
    "set-cookie": writeCookie(visit.cookie, isSecure(visit.publicUrl)),
    ...headers
  })

/** Redirects to another page, by GET. */
export const goTo = (visit: Visit, location: string) => show(visit, visit.say.goOn, "", 303, { location })

/** Id of the error text of a refused field. */
const problemId = "problem"

/** Text that may contain `commands` between backticks. */
export const paragraph = (text: string, kind?: "soft" | "problem") => {
  const html = escapeHtml(text).replace(/`([^`]+)`/g, "<code>$1</code>")
  return kind === "problem"
    ? `<p class="problem" id="${problemId}" role="alert">${html}</p>`
    : `<p${kind === undefined ? "" : ` class="${kind}"`}>${html}</p>`
}

export const hidden = (name: string, value: string) =>
  `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`

interface Field {
  readonly value?: string | undefined
  /** Does the page's problem concern this field? */
  readonly invalid?: boolean
  readonly focused?: boolean
}

/** A text field. `attributes` are trusted HTML. */
export const field = (label: string, name: string, attributes: string, options: Field = {}) => {
  const { focused = true, invalid = false, value = "" } = options
  const all = [
    attributes,
    'required spellcheck="false"',
    focused ? "autofocus" : "",
    invalid ? `aria-invalid="true" aria-describedby="${problemId}"` : "",
    `value="${escapeHtml(value)}"`
  ]
  return `<label>${escapeHtml(label)}<input name="${name}" ${all.filter(Boolean).join(" ")}></label>`
}

/** `second`: a less prominent button. */
export const button = (label: string, name?: string, value?: string, kind?: "second") =>
  `<button${kind === undefined ? "" : ` class="${kind}"`}${name === undefined ? "" : ` name="${name}" value="${escapeHtml(value ?? "")}"`}>${escapeHtml(label)}</button>`

/** A form that posts to one of our pages. `inner` is HTML. */
export const form = (visit: Visit, action: string, inner: string) =>
  `<form method="post" action="${escapeHtml(action)}">${hidden("form_token", formToken(visit.cookie))}${inner}</form>`

/** The person's next step: a command line. */
export const nextCommand = (visit: Visit) =>
  `${paragraph(visit.say.nextStep)}<pre>maxcloud auth login --api-url ${escapeHtml(visit.publicUrl)}</pre>`

/**
 * The fields of a form, once it's proven that one of our pages sent it: the browser says so (`Sec-Fetch-Site`, `Origin`), and the
 * form's token belongs to this browser's cookie.
 */
export const formOf = (request: HttpServerRequest.HttpServerRequest, visit: Visit) =>
  Effect.gen(function* () {
    const { headers } = request
    const site = headers["sec-fetch-site"]
    if (site !== undefined && site !== "same-origin") return yield* new StaleForm()
    if (site === undefined && !isOwnOrigin(headers.origin, headers.host, visit.publicUrl)) {
      return yield* new StaleForm()
    }
    if (headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase() !== "application/x-www-form-urlencoded") {
      return yield* new StaleForm()
    }
    // Requests with a declared length are answered before they have sent it.
    if (Number(headers["content-length"]) > maxFormBytes) return yield* new StaleForm()
    const text = yield* request.text.pipe(
      HttpIncomingMessage.withMaxBodySize(Option.some(maxFormBytes)),
      Effect.mapError(() => new StaleForm())
    )
    const fields = new URLSearchParams(text)
    const sentCookie = readCookie(headers.cookie, isSecure(visit.publicUrl))
    if (sentCookie === undefined || !isFormToken(sentCookie, fields.get("form_token") ?? "")) {
      return yield* new StaleForm()
    }
    // Postgres can't store NUL, and nobody types it.
    if ([...fields.values()].some((field) => field.includes("\0"))) return yield* new StaleForm()
    return { get: (name: string) => (fields.get(name) ?? "").trim() }
  })

/**
 * Browsers without `Sec-Fetch-Site` still send an origin, if there is one. Programs send neither, and must show the form's token.
 */
const isOwnOrigin = (origin: string | undefined, host: string | undefined, publicUrl: string) => {
  if (origin === undefined) return true
  if (!URL.canParse(origin)) return false
  const { host: from, origin: whole } = new URL(origin)
  return whole === new URL(publicUrl).origin || from === host
}

/** The error and its fix, in the reader's language. */
const explain = ({ language, say }: Visit, error: ApiError | StaleForm): string => {
  switch (error._tag) {
    case "StaleForm":
      return say.stale
    case "TooManyRequests":
      return say.tooMany(error.retryAfterSeconds)
    case "Unavailable":
      return say.away
    case "NotFound":
      if (language === "en" && error.resource !== "device") return error.detail
      return error.resource === "device"
        ? say.deadDevice
        : error.resource === "organization"
          ? say.notMember
          : say.deadLink
    case "Conflict":
      return language === "en" ? error.detail : say.taken
    case "Forbidden":
      return language === "en" ? error.detail : say.refused
    default:
      return language === "en" ? error.detail : say.mistake
  }
}

/** The message above the fields of a refused form. */
export const problemOf = (visit: Visit, error: ApiError | StaleForm | undefined) =>
  error === undefined ? "" : paragraph(explain(visit, error), "problem")

/** An error as a page. Keeps the browser's cookie, because the refused request may have come from another site, without it. */
const problemPage = (visit: Visit, error: ApiError | StaleForm) =>
  rendered(
    visit,
    visit.say.problemTitle,
    problemOf(visit, error),
    error._tag === "StaleForm" ? 403 : error.status,
    "retryAfterSeconds" in error ? { "retry-after": String(error.retryAfterSeconds) } : undefined
  )

/** Does the caller read JSON but not HTML? It then gets a problem document. */
const readsJson = ({ headers }: HttpServerRequest.HttpServerRequest) => {
  const { accept = "" } = headers
  return accept.includes("json") && !accept.includes("text/html")
}

/** Runs a page's handler, and shows its errors as pages too. */
export const asPage = <E, R>(
  publicUrl: string,
  handle: (
    visit: Visit,
    request: HttpServerRequest.HttpServerRequest
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const visit = visitOf(request, publicUrl)
    return yield* handle(visit, request).pipe(
      Effect.provideService(CurrentLanguage, visit.language),
      Effect.catchAllCause((cause): Effect.Effect<HttpServerResponse.HttpServerResponse, E | Forbidden> => {
        if (Cause.isInterruptedOnly(cause)) return Effect.interrupt
        const error = Cause.squash(cause)
        if (readsJson(request)) {
          return error instanceof StaleForm
            ? Effect.fail(new Forbidden({ detail: visit.say.stale }))
            : Effect.failCause(cause)
        }
        if (error instanceof StaleForm || isApiError(error)) return Effect.succeed(problemPage(visit, error))
        return Effect.as(
          Effect.logError(`${request.method} ${pathOf(request.url)} failed`, cause),
          rendered(visit, visit.say.problemTitle, paragraph(visit.say.mistake, "problem"), 500)
        )
      })
    )
  })
