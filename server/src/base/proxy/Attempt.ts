import type { Duplex } from "node:stream"
import type { RawHeaders } from "./headers.ts"
import type { RequestBody } from "./RequestBody.ts"

/**
 * `unprocessed`: certainly no instance has started on the request, because no byte of it was written or HTTP/2 says so.
 * Only such a request may be retried. `dropped`: the connection ended, and an instance may have started. `malformed`:
 * the response isn't HTTP. `invalid`: the request can't be sent in this version of HTTP, to any instance.
 */
export type AttemptFailure = "unprocessed" | "dropped" | "malformed" | "invalid"

/** One request to one instance. */
export interface Attempt {
  readonly host: string
  readonly port: number
  readonly method: string
  readonly path: string
  readonly headers: Array<string>
  readonly body: RequestBody | undefined
  /** The protocols that an upgrade offers, unchanged; undefined for any other request. */
  readonly upgrade: string | undefined
  readonly acceptsTrailers: boolean
  /** Trailers of the request, once its body has ended. */
  readonly requestTrailers: () => RawHeaders
}

/** Host and port as in a URL, with an IPv6 address in brackets (RFC 3986, 3.2.2). */
export const authorityOf = ({ host, port }: Pick<Attempt, "host" | "port">): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

/**
 * The events of an attempt. `onSent` comes first, once there is a connection. Then at most one head, data, and an end or
 * an error, or for an upgrade a switch. Nothing comes after an end, an error or a switch.
 */
export interface AttemptHandler {
  readonly onSent: (abort: () => void) => void
  readonly onInformational: (status: number, headers: RawHeaders) => void
  /** `ended`: no data and no trailers follow. */
  readonly onHead: (status: number, message: string, headers: RawHeaders, resume: () => void, ended: boolean) => void
  /** False: pause until `resume` is called. */
  readonly onData: (chunk: Buffer) => boolean
  readonly onEnd: (trailers: RawHeaders) => void
  /**
   * `101 Switching Protocols`, only for an upgrade. The listener then owns the connection; `head` is the data after the
   * answer.
   */
  readonly onSwitch: (message: string, headers: RawHeaders, socket: Duplex, head: Buffer) => void
  readonly onError: (code: string, failure: AttemptFailure) => void
}

/** Sends requests to instances in one version of HTTP. */
export interface Upstream {
  readonly send: (attempt: Attempt, handler: AttemptHandler) => void
  readonly close: () => void
}
