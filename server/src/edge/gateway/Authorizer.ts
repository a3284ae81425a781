import { constants, createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2"
import { Data, Effect } from "effect"
import { endWithin } from "../../base/node/endWithin.ts"
import { type Fault, guardedBy, trying } from "../../base/node/guarded.ts"
import { outliveStream } from "../../base/node/http2Handles.ts"
import { type CheckRequest, readCheckRequest } from "./CheckRequest.ts"
import { allowed, denied } from "./checkResponse.ts"
import { type Decision, decide } from "./decide.ts"
import { paused, refused } from "./denials.ts"
import { writeNumber } from "./protobuf.ts"
import type { TenantNetwork } from "./TenantNetwork.ts"

/** The authorizer cannot listen. */
export class GatewayError extends Data.TaggedError("GatewayError")<{ readonly message: string }> {}

const checkPath = "/envoy.service.auth.v3.Authorization/Check"
const healthPath = "/grpc.health.v1.Health/Check"

/** How long a request may wait for the watches to tell of its caller. */
const patienceMillis = 1_000
/** Envoy has 1024 questions under way at most: those that wait leave room for the others, and no caller takes all of it. */
const maxWaiting = 512
const maxWaitingOfOne = 32
const maxQuestionBytes = 1 << 20

/** google.rpc.Code */
const status = { ok: 0, invalidArgument: 3, unimplemented: 12 } as const

const frame = (message: Buffer): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}
const frames = {
  allowed: frame(allowed),
  refused: frame(denied(refused)),
  // HealthCheckResponse.status: SERVING or NOT_SERVING
  serving: frame(writeNumber(1, 1)),
  notServing: frame(writeNumber(1, 2))
}

const responseHeaders = { ":status": 200, "content-type": "application/grpc" }

const answer = (stream: ServerHttp2Stream, message: Buffer) => {
  if (stream.destroyed || stream.closed) return
  const guarded = guardedBy(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR))
  stream.respond(responseHeaders, { waitForTrailers: true })
  stream.on(
    "wantTrailers",
    guarded(() => stream.sendTrailers({ "grpc-status": String(status.ok) }))
  )
  stream.end(message)
}

const fail = (stream: ServerHttp2Stream, code: number) => {
  if (stream.destroyed || stream.closed) return
  stream.respond({ ...responseHeaders, "grpc-status": String(code) }, { endStream: true })
}

export interface Authorizer {
  readonly port: number
  /** How many requests wait for the watches now. */
  readonly waiting: () => number
  /** Health says no from now on; everything is still answered. */
  readonly drain: () => void
}

/** One message of a gRPC request body (gRPC over HTTP2, "Length-Prefixed-Message"), or undefined if it is no such thing. */
const messageOf = (body: Buffer): Buffer | undefined =>
  body.length >= 5 && body[0] === 0 && body.readUInt32BE(1) === body.length - 5 ? body.subarray(5) : undefined

/**
 * Answers Envoy's external authorization (envoy.service.auth.v3) out of what `network` knows. Node's own HTTP/2 and a few fields of two
 * messages, since this stands on the way of every request: see docs/network.md for what it costs.
 */
export const makeAuthorizer = (options: {
  readonly network: TenantNetwork
  /** 0: any that is free. */
  readonly port: number
  readonly host?: string
  /** Told what was thrown on the way of a question. */
  readonly onFault?: Fault
}) =>
  Effect.acquireRelease(
    Effect.async<Authorizer & { readonly close: Effect.Effect<void> }, GatewayError>((resume) => {
      const { network } = options
      let waiting = 0
      const waitingOf = new Map<string, number>()
      let draining = false

      const conclude = (stream: ServerHttp2Stream, request: CheckRequest, decision: Decision) => {
        if (decision === "allow") answer(stream, frames.allowed)
        else if (decision === "paused") answer(stream, frame(denied(paused(request.headers))))
        else answer(stream, frames.refused)
      }

      const wait = (stream: ServerHttp2Stream, request: CheckRequest) => {
        const { sourceAddress } = request
        const others = waitingOf.get(sourceAddress) ?? 0
        if (waiting >= maxWaiting || others >= maxWaitingOfOne) return conclude(stream, request, "refuse")
        waiting++
        waitingOf.set(sourceAddress, others + 1)
        let ended = false
        const end = (decision: Decision) => {
          if (ended) return
          ended = true
          waiting--
          const left = (waitingOf.get(sourceAddress) ?? 1) - 1
          if (left === 0) waitingOf.delete(sourceAddress)
          else waitingOf.set(sourceAddress, left)
          clearTimeout(timer)
          forget()
          conclude(stream, request, decision)
        }
        const guarded = guardedBy((cause) => {
          options.onFault?.(cause)
          end("refuse")
        })
        const refuse = guarded(() => end("refuse"))
        const timer = setTimeout(refuse, patienceMillis)
        const forget = network.onChange(
          guarded(() => {
            const decision = decide(network, request)
            if (decision !== "unsure") end(decision)
          })
        )
        stream.once("close", refuse)
      }

      const check = (stream: ServerHttp2Stream, message: Buffer) => {
        let request: CheckRequest
        try {
          request = readCheckRequest(message)
        } catch {
          return fail(stream, status.invalidArgument)
        }
        const decision = decide(network, request)
        if (decision === "unsure") wait(stream, request)
        else conclude(stream, request, decision)
      }

      /** What is thrown on the way of one question ends that question: Envoy refuses what it has no answer for. */
      const guardedFor = (stream: ServerHttp2Stream) =>
        guardedBy((cause) => {
          trying(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR))
          options.onFault?.(cause)
        })

      const onStream = (stream: ServerHttp2Stream, path: string | undefined) => {
        const guarded = guardedFor(stream)
        outliveStream(stream.session, stream)
        // Envoy gives up a question when its client goes.
        stream.on(
          "error",
          guarded(() => {})
        )
        const chunks: Array<Buffer> = []
        let size = 0
        const onData = guarded((chunk: Buffer) => {
          size += chunk.length
          if (size <= maxQuestionBytes) chunks.push(chunk)
        })
        const onEnd = guarded(() => {
          if (path === healthPath) return answer(stream, draining ? frames.notServing : frames.serving)
          if (path !== checkPath) return fail(stream, status.unimplemented)
          const [first] = chunks
          const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
          const message = size > maxQuestionBytes ? undefined : messageOf(body)
          if (message === undefined) fail(stream, status.invalidArgument)
          else check(stream, message)
        })
        stream.on("data", onData)
        stream.on("end", onEnd)
      }

      const server: Http2Server = createServer({
        // All of Envoy's questions come over one connection for each of its threads, and clients that go away reset theirs: what Node
        // takes for an attack on a server of the public is the daily life of this one.
        maxSessionMemory: 512,
        streamResetBurst: 1_000_000,
        streamResetRate: 1_000_000
      })
      const sessions = new Set<ServerHttp2Session>()
      const guarded = guardedBy((cause) => options.onFault?.(cause))
      const onSession = guarded((session: ServerHttp2Session) => {
        sessions.add(session)
        session.on(
          "error",
          guarded(() => {})
        )
        session.once(
          "close",
          guarded(() => sessions.delete(session))
        )
      })
      server.on("session", onSession)
      server.on("stream", (stream, headers) => guardedFor(stream)(() => onStream(stream, headers[":path"]))())
      server.once(
        "error",
        guarded(({ message }: Error) =>
          resume(new GatewayError({ message: `cannot listen on port ${options.port}: ${message}` }))
        )
      )
      server.listen(options.port, options.host ?? "0.0.0.0", () => {
        const address = server.address()
        resume(
          Effect.succeed({
            port: typeof address === "object" && address !== null ? address.port : options.port,
            waiting: () => waiting,
            drain: () => {
              draining = true
            },
            close: Effect.async<void>((closed) => {
              server.close(() => closed(Effect.void))
              // GOAWAY: what is under way is still answered.
              for (const session of sessions) session.close()
            })
          })
        )
      })
    }),
    ({ close }) => close.pipe(endWithin("3 seconds"))
  )
