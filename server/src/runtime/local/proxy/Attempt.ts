import type { RawHeaders } from "./headers.ts"
import type { RequestBody } from "./RequestBody.ts"

/**
 * `unprocessed`: certainly no instance has begun to work on the request. `dropped`: the connection ended, and one may have.
 * `malformed`: the response is no HTTP. `invalid`: the request cannot be sent in this version of HTTP, to no instance.
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
  readonly acceptsTrailers: boolean
  /** Trailers of the request, once its body has ended. */
  readonly requestTrailers: () => RawHeaders
}

/** Host and port as they stand in a URL; an IPv6 address in brackets (RFC 3986, 3.2.2). */
export const authorityOf = ({ host, port }: Pick<Attempt, "host" | "port">): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

/**
 * What comes of an attempt. `onSent` comes first, if a connection was there or could be made; then at most one head, data, and
 * an end or an error. Nothing comes after an end or an error.
 */
export interface AttemptHandler {
  readonly onSent: (abort: () => void) => void
  readonly onInformational: (status: number, headers: RawHeaders) => void
  /** `ended`: no data and no trailers follow. */
  readonly onHead: (status: number, message: string, headers: RawHeaders, resume: () => void, ended: boolean) => void
  /** False: pause until `resume` is called. */
  readonly onData: (chunk: Buffer) => boolean
  readonly onEnd: (trailers: RawHeaders) => void
  readonly onError: (code: string, failure: AttemptFailure) => void
}

/** A way to instances by one version of HTTP. */
export interface Upstream {
  readonly send: (attempt: Attempt, handler: AttemptHandler) => void
  readonly close: () => void
}
