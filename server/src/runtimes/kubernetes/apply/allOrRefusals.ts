import { Effect } from "effect"
import { RuntimeError } from "../../port/Runtime.ts"

/** How many objects to write at a time. */
const concurrency = 24

/** Combines all refusals into one error. */
const together = (errors: ReadonlyArray<RuntimeError>): RuntimeError | undefined => {
  const [first] = errors
  if (first === undefined || errors.length === 1) return first
  const message = errors.map((error) => error.message).join("; ")
  return new RuntimeError({ reason: "refused", message, diagnosis: first.diagnosis, cause: first.cause })
}

/** Does this for all objects of a step. Fails with all refusals together. */
export const allOrRefusals = <A>(all: ReadonlyArray<A>, each: (one: A) => Effect.Effect<void, RuntimeError>) =>
  Effect.gen(function* () {
    const refusals = yield* Effect.forEach(
      all,
      (one) =>
        each(one).pipe(
          Effect.as(undefined),
          // After a refusal, the step's other objects are still applied. If the cluster is unreachable, they would only wait as
          // well.
          Effect.catchAll((error) => (error.reason === "refused" ? Effect.succeed(error) : Effect.fail(error)))
        ),
      { concurrency }
    )
    const error = together(refusals.filter((refusal) => refusal !== undefined))
    if (error !== undefined) return yield* error
  })
