import type { IncomingMessage } from "node:http"
import { Headers, type HttpServerRequest } from "@effect/platform"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import type { SpecIssue } from "@maxcloud/config-schema"
import { decodeUtf8, type NotUtf8, withoutByteOrderMark } from "@maxcloud/config-schema/plain"
import { type InvalidRequest, inBody, PayloadTooLarge, type UnsupportedMediaType } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { unstorableText } from "../../../base/database/unstorableText.ts"
import { guardedBy } from "../../../base/node/guarded.ts"
import { invalidRequest } from "../../http/problems.ts"
import { checkContentType } from "./guard.ts"
import { type JsonBudget, overJsonBudget } from "./jsonBudget.ts"

/**
 * Reads a JSON body and refuses what can't be processed: too large or too deeply nested for the operation, bytes that aren't UTF-8
 * (RFC 8259, 8.1), invalid JSON, a key that an object has twice, or characters that Postgres can't store. Returns the JSON, and the request with it.
 */
export const withJsonBody = (
  request: HttpServerRequest.HttpServerRequest,
  budget: JsonBudget
): Effect.Effect<
  { readonly json: unknown; readonly read: HttpServerRequest.HttpServerRequest },
  InvalidRequest | PayloadTooLarge | UnsupportedMediaType
> =>
  Effect.gen(function* () {
    yield* checkContentType(request)
    if (Number(request.headers["content-length"]) > budget.bytes) return yield* tooLarge(budget.bytes)
    const bytes = yield* readBytes(NodeHttpServerRequest.toIncomingMessage(request), budget.bytes)
    const decoded = decodeUtf8(bytes)
    if ("fault" in decoded) return yield* refused({ path: [], message: notUtf8(decoded.fault) })
    const over = overJsonBudget(bytes, budget)
    if (over !== undefined) return yield* refused(over)
    const json = yield* Effect.try({
      try: () => parse(withoutByteOrderMark(decoded.text)),
      catch: () => invalidRequest(notJson)
    })
    const unstorable = unstorableText(json)
    if (unstorable !== undefined) return yield* refused(unstorable)
    // HttpApi reads only `application/json` as JSON, but merge patches (RFC 7396) are JSON too.
    const headers = Headers.set(request.headers, "content-type", "application/json")
    const read: HttpServerRequest.HttpServerRequest = Object.create(request, {
      headers: { value: headers },
      json: { value: Effect.succeed(json) }
    })
    return { json, read }
  })

/**
 * Reads a body to its end even if it is too large, and drops it: many clients don't read the answer before they have sent
 * everything.
 */
const readBytes = (source: IncomingMessage, most: number) =>
  Effect.async<Buffer, InvalidRequest | PayloadTooLarge>((resume) => {
    const chunks: Array<Buffer> = []
    let bytes = 0
    const guarded = guardedBy((cause) => {
      stop()
      resume(Effect.die(cause))
    })
    const onData = guarded((chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= most) return void chunks.push(chunk)
      stop()
      source.resume()
      resume(tooLarge(most))
    })
    const onEnd = guarded(() => {
      stop()
      resume(Effect.succeed(Buffer.concat(chunks)))
    })
    const onBroken = guarded(() => {
      stop()
      resume(invalidRequest("The body ended before it was complete. Send it again."))
    })
    const stop = () => source.off("data", onData).off("end", onEnd).off("error", onBroken).off("aborted", onBroken)
    source.on("data", onData).on("end", onEnd).on("error", onBroken).on("aborted", onBroken)
    return Effect.sync(stop)
  })

const notJson = 'The body isn\'t JSON. Send an object such as {"name": "web"}.'

const notUtf8 = ({ isUtf16, line }: NotUtf8) =>
  isUtf16
    ? "It's UTF-16. Send it as UTF-8."
    : `Line ${line} isn't UTF-8. Send the text as UTF-8, and binary data as base64.`

const tooLarge = (most: number) =>
  new PayloadTooLarge({
    detail: `The body is too large. This operation takes up to ${most} bytes. Send less at a time.`
  })

const refused = (problem: SpecIssue) => invalidRequest(`The body can't be read. ${problem.message}`, inBody([problem]))

const parse = (text: string): unknown => JSON.parse(text)
