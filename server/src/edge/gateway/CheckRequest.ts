import { readFields } from "./protobuf.ts"

/**
 * The parts of Envoy's check request that we read (envoy.service.auth.v3.CheckRequest). Only `headers` come from the caller: the
 * addresses are the connection's, and the route is the one Envoy matched, so no spelling of a Host changes the answer.
 */
export interface CheckRequest {
  /** Address of the connection's other end. */
  readonly sourceAddress: string
  /** Port of Envoy's listener; 0 if unknown. */
  readonly listenerPort: number
  /** `visibility` and the labels of the Knative Ingress with the matched host; empty if no host matches. */
  readonly route: ReadonlyMap<string, string>
  /** The request headers we look at, by lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  /** The request's target, including its query. */
  readonly path: string
  /** The Host, for texts only: the caller chooses it. */
  readonly host: string
}

const lookedAt: ReadonlySet<string> = new Set(["accept", "accept-language", "k-network-probe", "x-request-id"])

/** An entry of a `map<string, string>`. */
const readEntry = (bytes: Buffer, start: number, end: number, put: (key: string, value: string) => void) => {
  let key = ""
  let value = ""
  readFields(bytes, start, end, {
    bytes: (field, from, to) => {
      if (field === 1) key = bytes.toString("latin1", from, to)
      else if (field === 2) value = bytes.toString("utf8", from, to)
    }
  })
  put(key, value)
}

/** `Peer.address.socket_address`. */
const readPeer = (bytes: Buffer, start: number, end: number): { address: string; port: number } => {
  const peer = { address: "", port: 0 }
  readFields(bytes, start, end, {
    bytes: (field, from, to) => {
      if (field !== 1) return
      readFields(bytes, from, to, {
        bytes: (kind, inner, innerEnd) => {
          if (kind !== 1) return
          readFields(bytes, inner, innerEnd, {
            bytes: (part, at, until) => {
              if (part === 2) peer.address = bytes.toString("latin1", at, until)
            },
            varint: (part, value) => {
              if (part === 3) peer.port = value
            }
          })
        }
      })
    }
  })
  return peer
}

/** @throws WireError if the message is malformed. */
export const readCheckRequest = (bytes: Buffer): CheckRequest => {
  let source = { address: "", port: 0 }
  let destination = { address: "", port: 0 }
  const route = new Map<string, string>()
  const headers = new Map<string, string>()
  let path = ""
  let host = ""
  const readHttp = (start: number, end: number) =>
    readFields(bytes, start, end, {
      bytes: (field, from, to) => {
        if (field === 4) path = bytes.toString("utf8", from, to)
        if (field === 5) host = bytes.toString("latin1", from, to)
        if (field !== 3) return
        readEntry(bytes, from, to, (key, value) => {
          if (lookedAt.has(key)) headers.set(key, value)
        })
      }
    })
  const readAttributes = (start: number, end: number) =>
    readFields(bytes, start, end, {
      bytes: (field, from, to) => {
        if (field === 1) source = readPeer(bytes, from, to)
        else if (field === 2) destination = readPeer(bytes, from, to)
        else if (field === 10) readEntry(bytes, from, to, (key, value) => route.set(key, value))
        else if (field === 4) {
          readFields(bytes, from, to, { bytes: (part, at, until) => (part === 2 ? readHttp(at, until) : undefined) })
        }
      }
    })
  readFields(bytes, 0, bytes.length, {
    bytes: (field, start, end) => (field === 1 ? readAttributes(start, end) : undefined)
  })
  return {
    sourceAddress: source.address.replace(/^::ffff:(?=\d+\.)/i, ""),
    listenerPort: destination.port,
    route,
    headers,
    path,
    host
  }
}
