import type { SqlError } from "@effect/sql/SqlError"
import { Duration, Effect } from "effect"
import { lookMs } from "./dispatchMachine.ts"

interface RolloutLoopOptions {
  /** Adds a batch of stages to the queue; returns how many it added, and how many are left. */
  readonly next: Effect.Effect<{ readonly added: number; readonly left: number }, SqlError>
  readonly wake: Effect.Effect<void>
  /** Returns when a pass has ended. */
  readonly passEnded: Effect.Effect<void>
}

/** How many are left after a batch. */
const batch = ({ next, wake }: RolloutLoopOptions, before: number) =>
  next.pipe(
    Effect.tap(({ added }) => (added > 0 ? wake : Effect.void)),
    Effect.map((found) => found.left),
    Effect.catchAll((error) =>
      Effect.as(Effect.logWarning("The rollout couldn't read the database", error.cause), before)
    ),
    Effect.catchAllDefect((defect) =>
      Effect.as(Effect.logError("The rollout couldn't read the database", defect), before)
    )
  )

/**
 * In batches, the next one as soon as there is room. When everything is done, only another replica's end or a setting creates
 * work.
 */
export const rolloutLoop = (options: RolloutLoopOptions) =>
  Effect.iterate(0, {
    while: () => true,
    body: (before) =>
      batch(options, before).pipe(
        Effect.tap((left) =>
          before > 0 && left === 0 ? Effect.logInfo("The platform's settings are rolled out") : Effect.void
        ),
        Effect.tap((left) =>
          (left === 0 ? Effect.never : options.passEnded).pipe(Effect.timeoutOption(Duration.millis(lookMs)))
        )
      )
  })
