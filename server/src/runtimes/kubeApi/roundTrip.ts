import type { IncomingHttpHeaders } from "node:http"
import { Data, Effect } from "effect"
import type { Dispatcher } from "undici"
import { errorCode } from "../../base/node/errorCode.ts"
import { guardedBy } from "../../base/node/guarded.ts"
import { retryAfterMs } from "../../base/outbound/retryAfter.ts"
import type { Connections } from "./connections.ts"
import type { KubeRequest } from "./KubeApi.ts"

/** Longest answer that is read, in bytes. A page of 500 of the largest objects that etcd takes would be longer; none in practice is. */
const maxAnswerBytes = 256 * 1024 * 1024

export interface Answer {
  readonly status: number
  readonly text: string
  /** `Retry-After` in milliseconds. */
  readonly retryAfterMillis: number | undefined
}

/** There was no whole answer: no connection, a cut one, or a time limit. */
export class NoAnswer extends Data.TaggedError("NoAnswer")<{
  /** Node's or undici's code, such as ECONNREFUSED. */
  readonly code: string
  readonly message: string
  /** Never connected, so nothing can have been done. */
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

/** Longer than this a retry of ours isn't put off. */
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
  body: body === undefined ? null : JSON.stringify(body)
})

/** One request and its whole answer, by undici's own handler: nothing else is made of it. */
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
      giveUp("what it brought can't be taken")
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
          if (bytes > maxAnswerBytes) giveUp(`the answer has more than ${maxAnswerBytes} bytes`)
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
