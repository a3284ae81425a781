import { constants, type ServerHttp2Stream } from "node:http2"
import { guardedBy } from "../../base/node/guarded.ts"
import type { CheckRequest } from "./CheckRequest.ts"
import { allowed, denied } from "./checkResponse.ts"
import type { Decision } from "./decide.ts"
import { notFoundByName, paused, refused } from "./denials.ts"
import { writeNumber } from "./protobuf.ts"

/** google.rpc.Code */
export const status = { ok: 0, invalidArgument: 3, unimplemented: 12 } as const

const frame = (message: Buffer): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}
export const frames = {
  allowed: frame(allowed),
  // HealthCheckResponse.status: SERVING or NOT_SERVING
  serving: frame(writeNumber(1, 1)),
  notServing: frame(writeNumber(1, 2))
}

const responseHeaders = { ":status": 200, "content-type": "application/grpc" }

export const answer = (stream: ServerHttp2Stream, message: Buffer) => {
  if (stream.destroyed || stream.closed) return
  const guarded = guardedBy(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR))
  stream.respond(responseHeaders, { waitForTrailers: true })
  stream.on(
    "wantTrailers",
    guarded(() => stream.sendTrailers({ "grpc-status": String(status.ok) }))
  )
  stream.end(message)
}

export const fail = (stream: ServerHttp2Stream, code: number) => {
  if (stream.destroyed || stream.closed) return
  stream.respond({ ...responseHeaders, "grpc-status": String(code) }, { endStream: true })
}

/** Answers a check with the decision. */
export const conclude = (stream: ServerHttp2Stream, request: CheckRequest, decision: Decision) => {
  if (decision === "allow") answer(stream, frames.allowed)
  else if (decision === "paused") answer(stream, frame(denied(paused(request))))
  else if (typeof decision === "object") answer(stream, frame(denied(notFoundByName(request, decision))))
  else answer(stream, frame(denied(refused(request))))
}

/** One message of a gRPC request body (gRPC over HTTP2, "Length-Prefixed-Message"); undefined if it is malformed. */
export const messageOf = (body: Buffer): Buffer | undefined =>
  body.length >= 5 && body[0] === 0 && body.readUInt32BE(1) === body.length - 5 ? body.subarray(5) : undefined
