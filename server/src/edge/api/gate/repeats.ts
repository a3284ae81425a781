import { createHash } from "node:crypto"
import { HttpApp, type HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { canonicalJson, isRepeatable, type OperationName } from "@maxcloud/sdk/api"
import { Effect, Fiber, FiberRef, Option, Schema, type Scope } from "effect"
import { type Caller, CurrentCaller } from "../../../tenancy/access/Caller.ts"
import type { KeptAnswers, Outcome, RequestKey } from "../../../tenancy/repeats/KeptAnswers.ts"
import { invalidRequest } from "../../http/problems.ts"

type Response = HttpServerResponse.HttpServerResponse
type Request = HttpServerRequest.HttpServerRequest

/** Marks a replayed answer. */
const replayedHeader = "idempotent-replayed"
export const isReplay = ({ headers }: Response): boolean => headers[replayedHeader] !== undefined

const Kept = Schema.parseJson(
  Schema.Struct({
    status: Schema.Int,
    headers: Schema.Record({ key: Schema.String, value: Schema.String }),
    body: Schema.NullOr(Schema.String)
  })
)
const decodeKept = Schema.decodeSync(Kept)

const outcomeOf = (response: Response): Outcome<Response> => {
  const { body, headers, status } = response
  const succeeded = status < 300
  if (body._tag !== "Uint8Array" && body._tag !== "Empty") return { value: response, succeeded, answer: undefined }
  const text = body._tag === "Empty" ? null : new TextDecoder().decode(body.body)
  return { value: response, succeeded, answer: JSON.stringify({ status, headers, body: text }) }
}

const replayed = (response: Response) => HttpServerResponse.setHeader(response, replayedHeader, "true")

const responseOf = (answer: string): Response => {
  const { body, headers, status } = decodeKept(answer)
  return body === null
    ? HttpServerResponse.empty({ status, headers })
    : HttpServerResponse.text(body, { status, headers, contentType: headers["content-type"] ?? "application/json" })
}

/** Store the header fields that the handler adds, which belong to the answer. Fields added earlier belong to this request. */
const withOwnFields = <E, R>(answered: Effect.Effect<Response, E, R>, request: Request) =>
  Effect.locally(
    Effect.flatMap(answered, (response) =>
      Effect.flatMap(
        FiberRef.get(HttpApp.currentPreResponseHandlers),
        Option.match({ onNone: () => Effect.succeed(response), onSome: (add) => add(request, response) })
      )
    ),
    HttpApp.currentPreResponseHandlers,
    Option.none()
  )

/** A person with any session; otherwise the credential itself. */
const nameOf = ({ credential, person }: Caller): string =>
  credential.type === "local"
    ? "local"
    : credential.type === "session" && person !== undefined
      ? `person ${person.id}`
      : `${credential.type} ${credential.id}`

const digestOf = ({ headers, method, url }: Request, json: unknown) =>
  createHash("sha256")
    .update(JSON.stringify([method, url, headers["if-match"] ?? null]))
    .update(json === undefined ? "" : canonicalJson(json))
    .digest("hex")

const wrongKey = invalidRequest("idempotency-key: Use a key of 1 to 200 visible ASCII characters, such as a UUID.", [
  {
    parameter: "idempotency-key",
    in: "header",
    code: "invalid_value",
    detail: "Use a key of 1 to 200 visible ASCII characters, such as a UUID."
  }
])

const keyOf = (operation: OperationName, request: Request, json: unknown) =>
  Effect.gen(function* () {
    const key = request.headers["idempotency-key"]
    const caller = yield* CurrentCaller
    if (key === undefined || caller === undefined || !isRepeatable(operation)) return undefined
    if (!/^[\x21-\x7e]{1,200}$/.test(key)) return yield* wrongKey
    return {
      organizationId: caller.organization.id,
      caller: nameOf(caller),
      operation,
      key,
      digest: digestOf(request, json)
    } satisfies RequestKey
  })

/**
 * Handles a request with an `Idempotency-Key` once: the same request gets the same answer again. It runs to completion even if
 * its caller disconnects, as long as `scope` is open, so that a retry gets the answer.
 */
export const answerOnce =
  (answers: KeptAnswers["Type"], scope: Scope.Scope) =>
  <E, R>(operation: OperationName, request: Request, json: unknown, answered: Effect.Effect<Response, E, R>) =>
    Effect.gen(function* () {
      const key = yield* keyOf(operation, request, json)
      if (key === undefined) return yield* answered
      const carryOut = Effect.map(withOwnFields(answered, request), outcomeOf)
      const done = yield* Effect.flatMap(Effect.forkIn(answers.once(key, carryOut), scope), Fiber.join)
      if (done._tag === "kept") return replayed(responseOf(done.answer))
      return done.again ? replayed(done.value) : done.value
    })
