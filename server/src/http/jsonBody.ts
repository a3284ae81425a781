import type { IncomingMessage } from "node:http"
import type { HttpServerRequest } from "@effect/platform"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { type InvalidRequest, PayloadTooLarge, type UnsupportedMediaType } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { checkContentType } from "./guard.ts"
import { invalidRequest } from "./problems.ts"

/** The most bytes that a JSON body may have. */
export const maxJsonBytes = 1024 * 1024
const maxDepth = 64

/**
 * Reads a JSON body and refuses what nothing behind it could take: too large, not JSON, nested without end, or with characters
 * that Postgres cannot store. Gives the request with its JSON read.
 */
export const withJsonBody = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<HttpServerRequest.HttpServerRequest, InvalidRequest | PayloadTooLarge | UnsupportedMediaType> =>
  Effect.gen(function* () {
    yield* checkContentType(request)
    if (Number(request.headers["content-length"]) > maxJsonBytes) return yield* tooLarge()
    const text = yield* readText(NodeHttpServerRequest.toIncomingMessage(request))
    const json = yield* Effect.try({ try: () => parse(text), catch: () => invalidRequest(notJson) })
    const problem = problemOf(json, [], 0)
    if (problem !== undefined) {
      return yield* invalidRequest(`the body cannot be taken: ${problem.message}`, [problem])
    }
    const read: HttpServerRequest.HttpServerRequest = Object.create(request, { json: { value: Effect.succeed(json) } })
    return read
  })

/** What is too large is read to its end all the same, and dropped: many clients read no answer before they have sent all. */
const readText = (source: IncomingMessage) =>
  Effect.async<string, InvalidRequest | PayloadTooLarge>((resume) => {
    const chunks: Array<Buffer> = []
    let bytes = 0
    const onData = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= maxJsonBytes) return void chunks.push(chunk)
      stop()
      source.resume()
      resume(tooLarge())
    }
    const onEnd = () => {
      stop()
      resume(Effect.succeed(Buffer.concat(chunks).toString("utf8")))
    }
    const onBroken = () => {
      stop()
      resume(invalidRequest("the body ended before it was complete"))
    }
    const stop = () => source.off("data", onData).off("end", onEnd).off("error", onBroken).off("aborted", onBroken)
    source.on("data", onData).on("end", onEnd).on("error", onBroken).on("aborted", onBroken)
    return Effect.sync(stop)
  })

const notJson = "the body is not JSON"

const tooLarge = () =>
  new PayloadTooLarge({
    detail: `the body is larger than ${maxJsonBytes} bytes, which is the most that this operation takes`
  })

const parse = (text: string): unknown => JSON.parse(text)

interface Problem {
  readonly path: ReadonlyArray<string | number>
  readonly message: string
}

const problemOf = (value: unknown, path: ReadonlyArray<string | number>, depth: number): Problem | undefined => {
  if (typeof value === "string") return problemOfText(value, path)
  if (typeof value !== "object" || value === null) return undefined
  if (depth === maxDepth) return { path: path.slice(0, 8), message: `it is nested more than ${maxDepth} levels deep` }
  for (const [key, inner] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
    const problem =
      (typeof key === "string" ? problemOfText(key, path) : undefined) ?? problemOf(inner, [...path, key], depth + 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

const problemOfText = (text: string, path: ReadonlyArray<string | number>): Problem | undefined =>
  text.includes("\0")
    ? { path, message: "text must not hold the character NUL" }
    : text.isWellFormed()
      ? undefined
      : { path, message: "text must be Unicode, and this holds half of a surrogate pair" }
