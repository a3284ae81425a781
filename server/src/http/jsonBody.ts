import { FileSystem, HttpServerRequest } from "@effect/platform"
import { type InvalidRequest, PayloadTooLarge } from "@maxcloud/sdk/api"
import { Effect, Option } from "effect"
import { checkContentType } from "./guard.ts"
import type { HttpProblem } from "./problems.ts"
import { invalidRequest } from "./problems.ts"

/** The most bytes that a JSON body may have. */
export const maxJsonBytes = 1024 * 1024
const maxDepth = 64

/**
 * Reads a JSON body once and refuses what nothing behind it could take: too large, not JSON, nested without end, or with characters
 * that Postgres cannot store. The request keeps the text, so that the handler's own decoding does not read it again.
 */
export const checkJsonBody = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<void, HttpProblem | InvalidRequest | PayloadTooLarge> =>
  Effect.gen(function* () {
    yield* checkContentType(request)
    if (Number(request.headers["content-length"]) > maxJsonBytes) return yield* tooLarge()
    const text = yield* request.text.pipe(
      HttpServerRequest.withMaxBodySize(Option.some(FileSystem.Size(maxJsonBytes))),
      Effect.mapError((error) =>
        String(error.cause).includes("maxBytes") ? tooLarge() : invalidRequest("the body ended before it was complete")
      )
    )
    const json = yield* Effect.try({ try: () => parse(text), catch: () => invalidRequest(notJson) })
    const problem = problemOf(json, [], 0)
    if (problem !== undefined) {
      return yield* invalidRequest(`the body cannot be taken: ${problem.message}`, [problem])
    }
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
