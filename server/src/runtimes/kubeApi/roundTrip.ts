import type { IncomingHttpHeaders } from "node:http"
import { retryAfterMs } from "@maxcloud/config-schema/plain"
import { jsonForYaml } from "@maxcloud/synth"
import { Data, Effect } from "effect"
import type { Dispatcher } from "undici"
import { errorCode } from "../../base/node/errorCode.ts"
import { guardedBy } from "../../base/node/guarded.ts"
import type { Connections } from "./connections.ts"
import type { KubeRequest } from "./KubeApi.ts"

/** Longest answer to read, in bytes. A page of 500 objects of etcd's maximum size would be longer, but none is in practice. */
const maxAnswerBytes = 256 * 1024 * 1024

export interface Answer {
  readonly status: number
  readonly text: string
  /** `Retry-After` in milliseconds. */
  readonly retryAfterMillis: number | undefined
}

/** The answer is missing or incomplete: no connection, a broken one, or a timeout. */
export class NoAnswer extends Data.TaggedError("NoAnswer")<{
  /** Node's or undici's code, such as ECONNREFUSED. */
  readonly code: string
  readonly message: string
  /** The connection never succeeded, so the request had no effect. */
  readonly unsent: boolean
}> {}

const unsentCodes = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"])

export const noAnswer = (cause: unknown): NoAnswer => {
  const code = errorCode(cause) ?? ""
  const message = cause instanceof Error ? cause.message : String(cause)
  const unsent = unsentCodes.has(code) || code === "UND_ERR_CONNECT_TIMEOUT"
  return new NoAnswer({ code, message: message === "" ? code : message, unsent })
}

export const pathAndQuery = ({ path, query }: Pick<KubeRequest, "path" | "query">): string =>
  query === undefined ? path : `${path}?${new URLSearchParams(query)}`

/** Don't delay a retry longer than this. */
export const longestPauseMs = 60_000

export const optionsOf = (
  { credentials }: Connections,
  { accept = "application/json", body, contentType = "application/json", method, ...where }: KubeRequest
): Dispatcher.DispatchOptions => ({
  origin: credentials.server,
  method,
  path: pathAndQuery(where),
  headers: {
    ...credentials.headers,
    accept,
    ...(body === undefined ? {} : { "content-type": contentType })
  },
  body: body === undefined ? null : jsonForYaml(body)
})

/** One request and its complete answer, with undici's own handler to avoid overhead. */
export const roundTrip = (
  connections: Connections,
  request: KubeRequest,
  timeoutMillis: number
): Effect.Effect<Answer, NoAnswer> =>
  Effect.async<Answer, NoAnswer>((resume) => {
    const chunks: Array<Buffer> = []
    let bytes = 0
    let status = 0
    let retryAfterMillis: number | undefined
    let ongoing: Dispatcher.DispatchController | undefined
    let given: string | undefined
    const giveUp = (why: string) => {
      given = why
      ongoing?.abort(new Error(why))
    }
    const guarded = guardedBy((cause) => {
      clearTimeout(timer)
      resume(noAnswer(cause))
      giveUp("couldn't process the answer")
    })
    const timer = setTimeout(
      guarded(() => giveUp(`no answer within ${timeoutMillis / 1000} s`)),
      timeoutMillis
    )
    connections.requests.dispatch(
      { ...optionsOf(connections, request), headersTimeout: 0, bodyTimeout: 0 },
      {
        onRequestStart: guarded((controller: Dispatcher.DispatchController) => {
          ongoing = controller
          if (given !== undefined) controller.abort(new Error(given))
        }),
        onResponseStart: guarded((_: Dispatcher.DispatchController, code: number, headers: IncomingHttpHeaders) => {
          status = code
          retryAfterMillis = retryAfterMs(headers, longestPauseMs)
        }),
        onResponseData: guarded((_: Dispatcher.DispatchController, chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > maxAnswerBytes) giveUp(`the answer is longer than ${maxAnswerBytes} bytes`)
          else chunks.push(chunk)
        }),
        onResponseEnd: guarded(() => {
          clearTimeout(timer)
          const text = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
          resume(Effect.succeed({ status, text: text?.toString("utf8") ?? "", retryAfterMillis }))
        }),
        onResponseError: guarded((_: Dispatcher.DispatchController, error: Error) => {
          clearTimeout(timer)
          resume(noAnswer(error))
        })
      }
    )
    return Effect.sync(() => {
      clearTimeout(timer)
      giveUp("no longer wanted")
    })
  })
