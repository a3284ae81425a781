import { STATUS_CODES } from "node:http"
import { refusalContent } from "../pages/refusalContent.ts"

/** A refusal of the proxy's own. */
export interface Refusal {
  readonly status: number
  /** Last part of the problem's type. */
  readonly slug: string
  readonly detail: string
  readonly retryAfterSeconds: number | undefined
}

/** The refusal as a response: a problem document (RFC 9457), or a page for who prefers HTML. */
export const refusalResponse = (
  refusal: Refusal,
  accept: string | undefined
): { readonly headers: Array<string>; readonly body: Buffer } => {
  const title = STATUS_CODES[refusal.status] ?? "Error"
  const { detail, slug, status } = refusal
  const content = refusalContent({ type: `https://maxcloud.dev/problems/${slug}`, title, status, detail }, accept, {
    heading: `${status} ${title}`
  })
  const body = Buffer.from(content.body)
  const headers = [
    "Content-Type",
    content.contentType,
    "Content-Length",
    String(body.length),
    "Cache-Control",
    "no-store"
  ]
  if (refusal.retryAfterSeconds !== undefined) headers.push("Retry-After", String(refusal.retryAfterSeconds))
  return { headers, body }
}

export const unknownHost = (host: string): Refusal => ({
  status: 404,
  slug: "unknown-host",
  detail:
    host === ""
      ? "The request names no host, so no service can be found for it. `maxcloud list` prints the services and their URLs."
      : `No service has the host ${host}. \`maxcloud list\` prints the services and their URLs.`,
  retryAfterSeconds: undefined
})

/** The list of services isn't known yet. */
export const serverStarting: Refusal = {
  status: 503,
  slug: "starting",
  detail: "The server is starting, and doesn't know its services yet. Try again in a second.",
  retryAfterSeconds: 1
}

export const noSuchTarget: Refusal = {
  status: 400,
  slug: "invalid-request",
  detail: "The request target must be a path, or an absolute http URL.",
  retryAfterSeconds: undefined
}

export const noHost: Refusal = {
  status: 400,
  slug: "invalid-request",
  detail: "An HTTP/1.1 request names its host once, in the header Host. Send one Host header with a valid host.",
  retryAfterSeconds: undefined
}

/** RFC 9112, 6.1. */
export const unknownCoding: Refusal = {
  status: 501,
  slug: "unknown-transfer-coding",
  detail: "The only transfer coding that is taken is chunked.",
  retryAfterSeconds: undefined
}

/** RFC 9112, 6.1. */
export const versionWithoutCoding: Refusal = {
  status: 400,
  slug: "invalid-request",
  detail: "HTTP/1.0 has no Transfer-Encoding. Send the request in HTTP/1.1, or with a Content-Length.",
  retryAfterSeconds: undefined
}

export const timedOut = (timeoutMs: number): Refusal => ({
  status: 504,
  slug: "timeout",
  detail: `The service did not begin its response within ${timeoutMs} ms, the time that its config allows (timeout).`,
  retryAfterSeconds: 1
})

export const instanceGone = (code: string): Refusal => ({
  status: 502,
  slug: "instance-failed",
  detail: `The service's instance ended the connection before its response (${code}). \`maxcloud logs\` shows what it wrote.`,
  retryAfterSeconds: 1
})

/** `what` is in words, since the codes of Node's parser mean nothing to a reader. */
export const malformedResponse = (what: string): Refusal => ({
  status: 502,
  slug: "malformed-response",
  detail: `The service's instance sent a response that isn't valid HTTP${/^[A-Z0-9_]+$/.test(what) ? "" : ` (${what})`}. If it speaks another protocol on its port, name its HTTP port with \`port:\` in the config.`,
  retryAfterSeconds: undefined
})

export const unsendable = (code: string): Refusal => ({
  status: 400,
  slug: "invalid-request",
  detail: `The request cannot be given to the service as it is (${code}).`,
  retryAfterSeconds: undefined
})

export const noService: Refusal = {
  status: 503,
  slug: "no-instance",
  detail: "The service that this address leads to does not run now.",
  retryAfterSeconds: 1
}

/** The data isn't a valid request, by the code of Node's parser. */
export const unreadable = (code: string | undefined): Refusal => ({
  status: code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : code === "HPE_HEADER_OVERFLOW" ? 431 : 400,
  slug: "invalid-request",
  detail:
    code === "ERR_HTTP_REQUEST_TIMEOUT"
      ? "The head of the request did not come in time."
      : code === "HPE_HEADER_OVERFLOW"
        ? "The head of the request is larger than 64 KiB. Send shorter cookies or headers, or send the data in the body."
        : code === "HPE_UNEXPECTED_CONTENT_LENGTH"
          ? "The request tells the length of its body twice. Send one Content-Length, and no Transfer-Encoding beside it."
          : `This isn't a readable HTTP request (${code ?? "unknown"}).`,
  retryAfterSeconds: undefined
})
