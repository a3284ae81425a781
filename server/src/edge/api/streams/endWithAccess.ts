import { HttpBody, HttpServerResponse } from "@effect/platform"
import { Effect, Mailbox, Schedule } from "effect"

import { eachChunk, fed } from "./feed.ts"

/** How long a caller who lost access may keep reading an open answer. */
const checkEverySeconds = 10

/**
 * Ends a long-lived answer (events, logs, an export) when its caller loses access: `allowed` fails with `Unauthenticated` or
 * `Forbidden`. Ignores its other failures.
 */
export const endWithAccess = <E extends { readonly _tag: string }>(
  response: HttpServerResponse.HttpServerResponse,
  allowed: Effect.Effect<void, E>
): HttpServerResponse.HttpServerResponse => {
  const { body } = response
  if (body._tag !== "Stream") return response
  const isOver = allowed.pipe(
    Effect.as(false),
    Effect.catchAll(({ _tag }) => Effect.succeed(_tag === "Unauthenticated" || _tag === "Forbidden"))
  )
  const over = isOver.pipe(
    Effect.delay(`${checkEverySeconds} seconds`),
    Effect.repeat(Schedule.recurUntil<boolean>((found) => found))
  )
  const ending = fed<Uint8Array, unknown, never>((out) =>
    Effect.gen(function* () {
      const bytes = eachChunk(body.stream, (chunk) => out.offerAll(chunk))
      yield* Effect.forkScoped(Mailbox.into(bytes, out))
      yield* Effect.forkScoped(Effect.andThen(over, out.shutdown))
    })
  )
  return HttpServerResponse.setBody(response, HttpBody.stream(ending, body.contentType, body.contentLength))
}
