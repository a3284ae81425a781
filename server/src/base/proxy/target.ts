import type { IncomingMessage } from "node:http"
import type { IncomingHttpHeaders } from "node:http2"
import { headerValue, type RawHeaders } from "./headers.ts"
import { noHost, noSuchTarget, type Refusal, unknownCoding, versionWithoutCoding } from "./problem.ts"

/** The host that a request is for, after checking everything that may name one. */
export interface Target {
  /** The only effective authority, with its port; empty if the request names none. */
  readonly host: string
  /** In origin form: begins with `/`, or is `*`. */
  readonly path: string
}

/** `uri-host [ ":" port ]` (RFC 3986, 3.2.2) without userinfo, which no request may carry (RFC 9110, 4.2.4). */
const authority = /^(?:\[[0-9a-f:.]{2,45}\]|[\w.~%!$&'()*+,;=-]{1,255})(?::\d{0,5})?$/i
const absoluteForm = /^https?:\/\/([^/?#]*)([/?][^#]*)?$/i

const isAuthority = (host: string): boolean => host === "" || authority.test(host)

/** Origin form; or `*` for the server as a whole, only for OPTIONS (RFC 9112, 3.2.4). */
const isPath = (method: string | undefined, path: string): boolean =>
  path.startsWith("/") || (path === "*" && method === "OPTIONS")

const hostFields = (raw: RawHeaders): number => {
  let count = 0
  for (let i = 0; i < raw.length; i += 2) if (raw[i]?.length === 4 && raw[i]?.toLowerCase() === "host") count++
  return count
}

/**
 * The target of an HTTP/1 request. The host of an absolute form replaces the field (RFC 9112, 3.2.2). More than one
 * `Host`, a missing one in HTTP/1.1, or an invalid authority is refused (RFC 9112, 3.2), because the next hop could read
 * a different host from it.
 */
export const http1Target = (request: IncomingMessage): Target | Refusal => {
  const { httpVersion, method, rawHeaders, url = "" } = request
  const coding = request.headers["transfer-encoding"]
  if (coding !== undefined && coding.toLowerCase() !== "chunked") return unknownCoding
  if (coding !== undefined && httpVersion === "1.0") return versionWithoutCoding
  const fields = hostFields(rawHeaders)
  const field = headerValue(rawHeaders, "host")
  if (fields > 1 || (fields === 0 && httpVersion !== "1.0") || !isAuthority(field ?? "")) return noHost
  if (isPath(method, url)) return { host: field ?? "", path: url }
  const [, host, path = method === "OPTIONS" ? "*" : "/"] = absoluteForm.exec(url) ?? []
  if (host === undefined || !authority.test(host)) return noSuchTarget
  return { host, path: path.startsWith("?") ? `/${path}` : path }
}

/** The target of an HTTP/2 request: `:authority` wins over `host` (RFC 9113, 8.3.1). */
export const http2Target = (headers: IncomingHttpHeaders, raw: RawHeaders): Target | Refusal => {
  const path = headers[":path"] ?? ""
  if (!isPath(headers[":method"], path)) return noSuchTarget
  if (hostFields(raw) > 1) return noHost
  const host = headers[":authority"] ?? headers.host ?? ""
  return isAuthority(host) ? { host, path } : noHost
}

export const isTarget = (target: Target | Refusal): target is Target => "path" in target
