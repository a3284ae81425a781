import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream
} from "node:http2"
import { Data, Effect } from "effect"
import { endWithin } from "../../base/node/endWithin.ts"
import { type Fault, guardedBy, trying } from "../../base/node/guarded.ts"
import { outliveStream } from "../../base/node/http2Handles.ts"
import { count } from "../../base/telemetry/processMetrics.ts"
import { type CheckRequest, readCheckRequest } from "./CheckRequest.ts"
import { concludeSince } from "./concludeSince.ts"
import { decide } from "./decide.ts"
import { answer, fail, frames, messageOf, status } from "./grpcAnswers.ts"
import type { TenantNetwork } from "./TenantNetwork.ts"
import { makeWaitingQuestions } from "./waitingQuestions.ts"

/** The authorizer can't listen. */
export class GatewayError extends Data.TaggedError("GatewayError")<{ readonly message: string }> {}

const checkPath = "/envoy.service.auth.v3.Authorization/Check"
const healthPath = "/grpc.health.v1.Health/Check"

const maxQuestionBytes = 1 << 20

export interface Authorizer {
  readonly port: number
  /** How many requests are waiting for the watches. */
  readonly waiting: () => number
  /** Reports itself unhealthy from now on, and keeps answering. */
  readonly drain: () => void
}

export interface AuthorizerOptions {
  readonly network: TenantNetwork
  /** 0: any free port. */
  readonly port: number
  readonly host?: string
  /** Called with exceptions from handling a check. */
  readonly onFault?: Fault
}

type Guarded = ReturnType<typeof guardedBy>

/** Reads the body of a check; undefined if it's too long. */
const readBody = (stream: ServerHttp2Stream, guarded: Guarded, onWhole: (body: Buffer | undefined) => void) => {
  outliveStream(stream.session, stream)
  // Envoy cancels a check when its client disconnects.
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
    const [first] = chunks
    const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
    onWhole(size > maxQuestionBytes ? undefined : body)
  })
  stream.on("data", onData)
  stream.on("end", onEnd)
}

const requestOf = (message: Buffer): CheckRequest | undefined => {
  try {
    return readCheckRequest(message)
  } catch {
    return undefined
  }
}

/** An HTTP/2 server for checks, not listening yet. */
const serve = ({ network, onFault }: AuthorizerOptions) => {
  const questions = makeWaitingQuestions(network, onFault)
  const sessions = new Set<ServerHttp2Session>()
  const guarded = guardedBy((cause) => onFault?.(cause))
  let draining = false

  const check = (stream: ServerHttp2Stream, body: Buffer | undefined) => {
    const arrived = performance.now()
    const message = body === undefined ? undefined : messageOf(body)
    const request = message === undefined ? undefined : requestOf(message)
    if (request === undefined) {
      count("maxcloud_gateway_decisions_total", { decision: "malformed" })
      return fail(stream, status.invalidArgument)
    }
    const decision = decide(network, request)
    if (decision === "unsure") questions.wait(stream, request, arrived)
    else concludeSince(arrived, stream, request, decision)
  }

  const onStream = (stream: ServerHttp2Stream, path: string | undefined) => {
    // An exception in one check ends only that check. Envoy denies a request that gets no answer.
    const guardedHere = guardedBy((cause) => {
      trying(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR))
      onFault?.(cause)
    })
    const onWhole = (body: Buffer | undefined) => {
      if (path === healthPath) answer(stream, draining ? frames.notServing : frames.serving)
      else if (path === checkPath) check(stream, body)
      else fail(stream, status.unimplemented)
    }
    guardedHere(() => readBody(stream, guardedHere, onWhole))()
  }

  const server = createServer({
    // Each Envoy thread sends its checks over one connection, and resets those of clients that disconnect. Node takes that for an
    // attack, but here it is normal.
    maxSessionMemory: 512,
    streamResetBurst: 1_000_000,
    streamResetRate: 1_000_000
  })
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
  server.on(
    "stream",
    guarded((stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => onStream(stream, headers[":path"]))
  )
  return {
    server,
    waiting: questions.count,
    drain: () => {
      draining = true
    },
    close: Effect.async<void>((closed) => {
      server.close(() => closed(Effect.void))
      // GOAWAY: checks in progress are still answered.
      for (const session of sessions) session.close()
    })
  }
}

/**
 * Answers Envoy's external authorization (envoy.service.auth.v3) from the state in `network`. Every request passes through here,
 * so this uses Node's HTTP/2 and reads only a few fields of two messages: see docs/network.md for the cost.
 */
export const makeAuthorizer = (options: AuthorizerOptions) =>
  Effect.acquireRelease(
    Effect.async<Authorizer & { readonly close: Effect.Effect<void> }, GatewayError>((resume) => {
      const { server, ...served } = serve(options)
      const guarded = guardedBy((cause) => options.onFault?.(cause))
      server.once(
        "error",
        guarded(({ message }: Error) =>
          resume(new GatewayError({ message: `Couldn't listen on port ${options.port}: ${message}` }))
        )
      )
      server.listen(options.port, options.host ?? "0.0.0.0", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : options.port
        resume(Effect.succeed({ ...served, port }))
      })
    }),
    ({ close }) => close.pipe(endWithin("3 seconds"))
  )
