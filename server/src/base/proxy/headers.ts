import { randomUUID } from "node:crypto"
import { STATUS_CODES } from "node:http"

/**
 * The limit for one head, from a caller or an instance: 60 KiB of fields, its first line, and the fields that the proxy
 * adds.
 */
export const maxHeadBytes = 64 * 1024

/** Header fields as they came: name, value, name, value. Keeps case, order and duplicates. */
export type RawHeaders = ReadonlyArray<string>

/** A request's fields for the next hop, with the facts that the proxy needs about them. */
export interface ForwardedRequest {
  readonly headers: Array<string>
  readonly expectContinue: boolean
  /** `TE: trailers`: the caller accepts trailers, which gRPC requires. */
  readonly acceptsTrailers: boolean
}

export interface Caller {
  /** The single authority of the request's target, with its port; empty if the request has none. */
  readonly host: string
  readonly remoteAddress: string | undefined
}

/** Fields that a `Connection` header can't remove: they frame the message or name its host. */
const kept = new Set(["host", "content-length", "content-type", "transfer-encoding", "authorization", "cookie"])

/** Names that `Connection` declares to be for this hop only (RFC 9110, 7.6.1), except those that every connection has. */
const nominated = (connection: string): ReadonlySet<string> | undefined => {
  const value = connection.toLowerCase()
  if (value === "keep-alive" || value === "close" || value === "upgrade") return undefined
  const names = value
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && !kept.has(name))
  return names.length === 0 ? undefined : new Set(names)
}

const withoutNames = (headers: Array<string>, names: ReadonlySet<string>): Array<string> => {
  const rest: Array<string> = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? ""
    if (!names.has(name.toLowerCase())) rest.push(name, headers[i + 1] ?? "")
  }
  return rest
}

const plainAddress = (address: string | undefined): string => {
  if (address === undefined) return "unknown"
  return address.startsWith("::ffff:") ? address.slice(7) : address
}

const tokenOnly = /^[A-Za-z0-9._~-]+$/
const quoted = (value: string): string => (tokenOnly.test(value) ? value : `"${value.replace(/["\\]/g, "")}"`)

/** Adds this hop to the request's path. */
const addForwarding = (
  headers: Array<string>,
  caller: Caller,
  forwarded: string | undefined,
  forwardedFor: string | undefined
): void => {
  const address = plainAddress(caller.remoteAddress)
  const node = address.includes(":") ? `"[${address}]"` : address
  const element = `for=${node};host=${quoted(caller.host)};proto=http`
  headers.push("Forwarded", forwarded === undefined ? element : `${forwarded}, ${element}`)
  headers.push("X-Forwarded-For", forwardedFor === undefined ? address : `${forwardedFor}, ${address}`)
}

/**
 * Finds field names regardless of case. A name is only compared, and copied in lower case, if one of them has its
 * length.
 */
class FieldNames<Name extends string> {
  readonly #byLength: Array<Array<Name> | undefined> = []

  constructor(...names: ReadonlyArray<Name>) {
    for (let length = 0; length <= Math.max(...names.map((name) => name.length)); length++) {
      const found = names.filter((name) => name.length === length)
      this.#byLength.push(found.length === 0 ? undefined : found)
    }
  }

  find(name: string): Name | undefined {
    const { length } = name
    const known = length < this.#byLength.length ? this.#byLength[length] : undefined
    if (known === undefined) return undefined
    const lower = name.toLowerCase()
    for (let i = 0; i < known.length; i++) if (known[i] === lower) return known[i]
    return undefined
  }
}

const requestNames = new FieldNames(
  "connection",
  "expect",
  "forwarded",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-request-id"
)

/** Joins the values of a repeated field (RFC 9110, 5.2). */
const joined = (before: string | undefined, value: string): string =>
  before === undefined ? value : `${before}, ${value}`

/**
 * The request's fields for the instance: one `Host`, from the target (RFC 9112, 3.2.2; RFC 9113, 8.3.1); all other
 * end-to-end fields unchanged; no hop-by-hop fields (RFC 9110, 7.6.1); the request's path added (`Forwarded` of RFC
 * 7239, `X-Forwarded-*`); and an `X-Request-Id` if there is none. One pass. Names are only compared if their length is a
 * relevant one.
 */
export const forwardRequest = (raw: RawHeaders, caller: Caller): ForwardedRequest => {
  let headers: Array<string> = ["Host", caller.host]
  let connection: string | undefined
  let forwarded: string | undefined
  let forwardedFor: string | undefined
  let forwardedHost = false
  let forwardedProto = false
  let requestId = false
  let expectContinue = false
  let acceptsTrailers = false
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? ""
    const value = raw[i + 1] ?? ""
    // Fields with `continue` aren't forwarded unchanged.
    switch (requestNames.find(name)) {
      case "host":
      case "http2-settings":
      case "keep-alive":
      case "proxy-authorization":
      case "proxy-connection":
      case "trailer":
      case "transfer-encoding":
      case "upgrade":
        continue
      case "connection":
        connection = joined(connection, value)
        continue
      case "expect":
        expectContinue = value.toLowerCase() === "100-continue"
        continue
      case "te":
        acceptsTrailers = value.toLowerCase().includes("trailers")
        continue
      case "forwarded":
        forwarded = joined(forwarded, value)
        continue
      case "x-forwarded-for":
        forwardedFor = joined(forwardedFor, value)
        continue
      case "x-forwarded-host":
        forwardedHost = true
        break
      case "x-forwarded-proto":
        forwardedProto = true
        break
      case "x-request-id":
        requestId = true
        break
    }
    headers.push(name, value)
  }
  const names = connection === undefined ? undefined : nominated(connection)
  if (names !== undefined) headers = withoutNames(headers, names)
  addForwarding(headers, caller, forwarded, forwardedFor)
  if (!forwardedHost) headers.push("X-Forwarded-Host", caller.host)
  if (!forwardedProto) headers.push("X-Forwarded-Proto", "http")
  if (!requestId) headers.push("X-Request-Id", randomUUID())
  return { headers, expectContinue, acceptsTrailers }
}

/** A response's fields for the caller. `contentLength` is -1 if the response doesn't say it. */
export interface ForwardedResponse {
  readonly headers: Array<string>
  readonly contentLength: number
}

const responseNames = new FieldNames(
  "connection",
  "content-length",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade"
)

/** A response's fields for the caller: all end-to-end fields unchanged. */
export const forwardResponse = (raw: RawHeaders): ForwardedResponse => {
  let headers: Array<string> = []
  let contentLength = -1
  let connection: string | undefined
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? ""
    const value = raw[i + 1] ?? ""
    switch (responseNames.find(name)) {
      case "http2-settings":
      case "keep-alive":
      case "proxy-connection":
      case "te":
      case "transfer-encoding":
      case "upgrade":
        continue
      case "connection":
        connection = joined(connection, value)
        continue
      case "content-length":
        contentLength = Number(value)
        break
    }
    headers.push(name, value)
  }
  const names = connection === undefined ? undefined : nominated(connection)
  if (names !== undefined) headers = withoutNames(headers, names)
  return { headers, contentLength }
}

/** The head of an HTTP/1.1 response as bytes (latin1), from validated parts. */
export const messageHead = (status: number, reason: string, headers: RawHeaders): string => {
  let head = `HTTP/1.1 ${status} ${reason === "" ? (STATUS_CODES[status] ?? "") : reason}\r\n`
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  return `${head}\r\n`
}

/** The first value of a field, whatever the case of its name. */
export const headerValue = (raw: RawHeaders, name: string): string | undefined => {
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const candidate = raw[i] ?? ""
    if (candidate.length === name.length && candidate.toLowerCase() === name) return raw[i + 1]
  }
  return undefined
}

/** A host without its port, in lower case, as in the routing table. */
export const hostName = (authority: string): string => {
  const end = authority.startsWith("[") ? authority.indexOf("]") + 1 : authority.indexOf(":")
  const host = end > 0 ? authority.slice(0, end) : authority
  const lower = host.toLowerCase()
  return lower.endsWith(".") ? lower.slice(0, -1) : lower
}
