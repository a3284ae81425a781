import { forwardResponse, type RawHeaders } from "./headers.ts"

/** The head of an instance's answer, in a form for every version of HTTP. */
export interface Answer {
  readonly status: number
  /** ASCII; empty if the caller's side should use the status's default reason. */
  readonly reason: string
  /** End-to-end fields. */
  readonly headers: Array<string>
  /** -1 if the answer doesn't say it. */
  readonly contentLength: number
}

/** The instance's answer isn't valid HTTP, so it can't be forwarded. */
export class Malformed {
  /** The problem, for the caller's problem document. */
  readonly code: string
  constructor(code: string) {
    this.code = code
  }
}

/** RFC 9110, 5.6.2. */
const fieldName = /^[\w!#$%&'*+.^`|~-]+$/
/** RFC 9110, 5.5: visible characters, spaces, tabs, and bytes above ASCII. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/
const ascii = /^[\t\x20-\x7e]*$/
const digits = /^\d{1,15}$/

const faultOf = (raw: RawHeaders): Malformed | undefined => {
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (!fieldName.test(raw[i] ?? "")) return new Malformed("a field name that isn't a token")
    if (!fieldValue.test(raw[i + 1] ?? "")) return new Malformed("a control character in a field")
  }
  return undefined
}

/** One length, however often it's repeated. Two different ones frame nothing (RFC 9112, 6.3). */
const withOneLength = (raw: RawHeaders, dropped: boolean): RawHeaders | Malformed => {
  let length: string | undefined
  let seen = 0
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.length !== 14 || raw[i]?.toLowerCase() !== "content-length") continue
    const value = (raw[i + 1] ?? "").trim()
    if (!digits.test(value) || (length !== undefined && length !== value)) return new Malformed("an invalid length")
    length = value
    seen++
  }
  if (seen === 0 || (seen === 1 && !dropped)) return raw
  const rest = raw.filter((_, i) => raw[i - (i % 2)]?.toLowerCase() !== "content-length")
  return dropped ? rest : [...rest, "Content-Length", length ?? "0"]
}

const hasControl = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if ((code < 0x20 && code !== 9) || code === 0x7f) return true
  }
  return false
}

/** The members of all fields of that name (RFC 9110, 5.6.1), in lower case. */
const membersOf = (raw: RawHeaders, name: string): Array<string> =>
  raw
    .filter((_, i) => i % 2 === 1 && raw[i - 1]?.toLowerCase() === name)
    .flatMap((value) => value.split(","))
    .map((member) => member.trim().toLowerCase())
    .filter((member) => member !== "")

/**
 * Fields of a `101 Switching Protocols`, including `Connection` and `Upgrade`. The instance must name its protocol, and
 * only one that the caller offered (RFC 9110, 7.8): otherwise the two would speak different protocols on one connection.
 */
export const parseSwitch = (
  offered: string,
  reason: string,
  raw: RawHeaders
): Pick<Answer, "headers" | "reason"> | Malformed => {
  const fault = hasControl(reason) ? new Malformed("a control character in the reason") : faultOf(raw)
  if (fault !== undefined) return fault
  const chosen = membersOf(raw, "upgrade")
  const offers = membersOf(["upgrade", offered], "upgrade")
  if (
    chosen.length === 0 ||
    !chosen.every((value) => offers.includes(value)) ||
    !membersOf(raw, "connection").includes("upgrade")
  )
    return new Malformed("a switch to a protocol that wasn't offered")
  const headers = raw.slice(0, raw.length - (raw.length % 2)).filter((_, i) => {
    const name = raw[i - (i % 2)]?.toLowerCase() ?? ""
    // RFC 9110, 8.6, and RFC 9112, 6.1.
    return name !== "content-length" && name !== "transfer-encoding"
  })
  return { reason: ascii.test(reason) ? reason : "", headers }
}

/**
 * Parses the head of a final answer. Everything that a caller's side would refuse to write is detected here, before a
 * byte is written. A reason phrase that isn't ASCII is dropped, because no standard defines how to read it.
 */
export const parseAnswer = (status: number, reason: string, raw: RawHeaders): Answer | Malformed => {
  if (!Number.isInteger(status) || status < 200 || status > 599) return new Malformed("an invalid status")
  const fault = hasControl(reason) ? new Malformed("a control character in the reason") : faultOf(raw)
  if (fault !== undefined) return fault
  // A 204 has no length (RFC 9110, 8.6), and the body that a 205 announces must not be sent (15.3.6).
  const fields = withOneLength(raw, status === 204 || status === 205)
  if (fields instanceof Malformed) return fields
  return { status, reason: ascii.test(reason) ? reason : "", ...forwardResponse(fields) }
}

/** Fields of an informational answer; undefined if it can't be forwarded. Only the final answer is essential. */
export const parseInformational = (status: number, raw: RawHeaders): Array<string> | undefined => {
  // 100 and 101 are only for this connection.
  if (!Number.isInteger(status) || status < 102 || status > 199 || faultOf(raw) !== undefined) return undefined
  const { headers } = forwardResponse(raw)
  return headers.filter((_, i) => !framing.has(headers[i - (i % 2)]?.toLowerCase() ?? ""))
}

const framing = new Set(["content-length", "trailer"])

/** Fields that no trailer may contain: they frame, route or authenticate the message (RFC 9110, 6.5.1). */
const notInTrailers = new Set([
  "authorization",
  "cache-control",
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "host",
  "http2-settings",
  "keep-alive",
  "max-forwards",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "www-authenticate"
])

/** The trailers that may be forwarded, in either direction. Others are dropped. */
export const parseTrailers = (raw: RawHeaders): Array<string> | Malformed => {
  const fault = faultOf(raw)
  if (fault !== undefined) return fault
  return raw.slice(0, raw.length - (raw.length % 2)).filter((_, i) => {
    return !notInTrailers.has(raw[i - (i % 2)]?.toLowerCase() ?? "")
  })
}
