import { Effect } from "effect"
import { RuntimeError } from "../../port/Runtime.ts"

/** Objects on their way at a time. */
const concurrency = 24

/** All that was refused as one error. */
const together = (errors: ReadonlyArray<RuntimeError>): RuntimeError | undefined => {
  const [first] = errors
  if (first === undefined || errors.length === 1) return first
  const message = errors.map((error) => error.message).join("; ")
  return new RuntimeError({ reason: "refused", message, diagnosis: first.diagnosis, cause: first.cause })
}

/** Does it for all of a step. Fails with all that was refused. */
export const allOrRefusals = <A>(all: ReadonlyArray<A>, each: (one: A) => Effect.Effect<void, RuntimeError>) =>
  Effect.gen(function* () {
    const refusals = yield* Effect.forEach(
      all,
      (one) =>
        each(one).pipe(
          Effect.as(undefined),
          // If one is refused, the others of the step are still applied. If the cluster is unreachable, they would only wait as long.
          Effect.catchAll((error) => (error.reason === "refused" ? Effect.succeed(error) : Effect.fail(error)))
        ),
      { concurrency }
    )
    const error = together(refusals.filter((refusal) => refusal !== undefined))
    if (error !== undefined) return yield* error
  })
