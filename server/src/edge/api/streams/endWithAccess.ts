import { HttpBody, HttpServerResponse } from "@effect/platform"
import { Effect, Mailbox, Schedule } from "effect"

import { eachChunk, fed } from "./feed.ts"

/** How long a shut-out caller may still read an answer that has begun. */
const checkEverySeconds = 10

/**
 * An answer that goes on (events, logs, an export) ends when whoever asked for it may not have it any more: `allowed` fails with
 * `Unauthenticated` or `Forbidden`. Any other failure of it passes.
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
