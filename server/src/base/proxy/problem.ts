import { codeOf, type ProblemTag, problemPath, problemTable } from "@maxcloud/sdk/errors"
import { refusalContent } from "../pages/refusalContent.ts"
import { requestIdOf } from "../words/RequestId.ts"
import { headerValue, type RawHeaders } from "./headers.ts"

/** A refusal of the proxy's own. */
export interface Refusal {
  readonly tag: ProblemTag
  readonly status: number
  readonly detail: string
  readonly retryAfterSeconds: number | undefined
  /** An error code of the OCI distribution-spec: the answer then has that specification's form. */
  readonly ociCode?: string
}

/** The parts of a request that its refusal names. */
export interface Refused {
  readonly path: string | undefined
  readonly rawHeaders: RawHeaders
}

/** For a request that couldn't be read. */
export const unknownRequest: Refused = { path: undefined, rawHeaders: [] }

const refusal = (tag: ProblemTag, detail: string, retryAfterSeconds?: number): Refusal => ({
  tag,
  status: problemTable[tag].status,
  detail,
  retryAfterSeconds
})

/**
 * The refusal as a response: a problem document (RFC 9457), or a page for callers that prefer HTML. `server`: the URL of
 * the API, whose pages explain problems; a service's own host has no such pages.
 */
export const refusalResponse = (
  { detail, ociCode, retryAfterSeconds, status, tag }: Refusal,
  { path, rawHeaders }: Refused,
  server: string | undefined
): { readonly headers: Array<string>; readonly body: Buffer } => {
  const { title } = problemTable[tag]
  const requestId = requestIdOf(headerValue(rawHeaders, "x-request-id"))
  const problem = {
    type: server === undefined ? "about:blank" : `${server}${problemPath(tag)}`,
    title,
    status,
    detail,
    code: codeOf(tag),
    instance: path?.split(/[?#]/, 1)[0]?.slice(0, 1_000),
    requestId
  }
  const content =
    ociCode === undefined
      ? refusalContent(problem, headerValue(rawHeaders, "accept"), { heading: `${status} ${title}` })
      : {
          contentType: "application/json",
          body: JSON.stringify({ errors: [{ code: ociCode, message: detail, detail: null }] })
        }
  const body = Buffer.from(content.body)
  const headers = [
    "Content-Type",
    content.contentType,
    "Content-Length",
    String(body.length),
    "Cache-Control",
    "no-store",
    "X-Request-Id",
    requestId
  ]
  if (retryAfterSeconds !== undefined) headers.push("Retry-After", String(retryAfterSeconds))
  return { headers, body }
}

export const unknownHost = (host: string): Refusal =>
  refusal(
    "UnknownHost",
    host === ""
      ? "The request has no host, so no service can be found for it. `maxcloud list` prints the services and their URLs."
      : `No service has the host ${host}. \`maxcloud list\` prints the services and their URLs.`
  )

/** The list of services isn't known yet. */
export const serverStarting = refusal(
  "Starting",
  "The server is starting and doesn't know its services yet. Retry in a second.",
  1
)

export const noSuchTarget = refusal("InvalidRequest", "The request target must be a path or an absolute http URL.")

export const noHost = refusal(
  "InvalidRequest",
  "An HTTP/1.1 request needs exactly one Host header. Send one with a valid host."
)

/** RFC 9112, 6.1. */
export const unknownCoding = refusal(
  "UnknownTransferCoding",
  "The request's transfer coding isn't supported. Send the body with \"Transfer-Encoding: chunked\" or with a Content-Length."
)

/** RFC 9112, 6.1. */
export const versionWithoutCoding = refusal(
  "InvalidRequest",
  "HTTP/1.0 has no Transfer-Encoding. Send the request in HTTP/1.1, or with a Content-Length."
)

export const noUpgrade = refusal(
  "InvalidRequest",
  "The API doesn't support upgrades. Send the request without Upgrade."
)

export const timedOut = (timeoutMs: number): Refusal =>
  refusal("ServiceTimeout", `The service didn't begin its response within ${timeoutMs} ms, its config's timeout.`, 1)

export const instanceGone = (code: string): Refusal =>
  refusal(
    "InstanceFailed",
    `The service's instance closed the connection before its response (${code}). \`maxcloud logs\` shows its output.`,
    1
  )

/** `what` is plain text, because the codes of Node's parser mean nothing to a reader. */
export const malformedResponse = (what: string): Refusal =>
  refusal(
    "MalformedResponse",
    `The service's instance sent a response that isn't valid HTTP${/^[A-Z0-9_]+$/.test(what) ? "" : ` (${what})`}. If it speaks another protocol on its port, set its HTTP port with \`port:\` in the config.`
  )

export const unsendable = (code: string): Refusal =>
  refusal("InvalidRequest", `The request can't be forwarded to the service unchanged (${code}).`)

export const noService = refusal("NoInstance", "The service at this address isn't running.", 1)

/** The data isn't a valid request, by the code of Node's parser. */
export const unreadable = (code: string | undefined): Refusal => {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return refusal("RequestTimeout", "The head of the request didn't arrive in time. Send it again.")
    case "HPE_HEADER_OVERFLOW":
      return refusal(
        "RequestHeaderFieldsTooLarge",
        "The head of the request is larger than 64 KiB. Send shorter cookies or headers, or send the data in the body."
      )
    case "HPE_UNEXPECTED_CONTENT_LENGTH":
      return refusal(
        "InvalidRequest",
        "The request declares the length of its body twice. Send one Content-Length, and no Transfer-Encoding beside it."
      )
    default:
      return refusal("InvalidRequest", `This isn't a readable HTTP request (${code ?? "unknown"}).`)
  }
}
