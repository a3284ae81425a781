import { Unavailable } from "@maxcloud/sdk/api"
import { Duration, Effect, Option, Schedule } from "effect"
import { within } from "../../base/node/monotonic.ts"
import type { Runtime, ServiceKey } from "../../runtimes/port/Runtime.ts"

/** Less than the 60 seconds that the SDK waits for an answer. */
const patience = Duration.seconds(30)
/** Frequent at first, then at intervals that spare the database. */
const waiting = Schedule.union(Schedule.exponential("20 millis", 1.5), Schedule.spaced("500 millis"))

const late = ({ service }: ServiceKey, paused: boolean, why: string) =>
  new Unavailable({
    detail: paused
      ? `The service "${service}" will be paused, but may still answer requests: ${why}. To wait for it, pause it again, which is safe to repeat.`
      : `The service "${service}" will be resumed, but may still refuse requests: ${why}. To wait for it, resume it again, which is safe to repeat.`,
    retryAfterSeconds: 2
  })

/**
 * Waits until the runtime has switched the service's route, so that after the answer "paused", the service gives no other answer.
 * A service that the runtime doesn't have yet answers nobody. `isWanted`: false once somebody has undone it or deleted the
 * service, because the runtime then never switches.
 */
export const untilPaused = <E, R>(
  runtime: Pick<Runtime["Type"], "status">,
  key: ServiceKey,
  paused: boolean,
  isWanted: Effect.Effect<boolean, E, R>
) =>
  runtime.status(key).pipe(
    Effect.mapError(({ message }) => late(key, paused, message)),
    Effect.filterOrFail(
      Option.match({ onNone: () => true, onSome: ({ state }) => (state === "paused") === paused }),
      () => late(key, paused, `the runtime hasn't applied it within ${Duration.format(patience)}`)
    ),
    Effect.catchAll((error) => Effect.flatMap(isWanted, (wanted) => (wanted ? Effect.fail(error) : Effect.void))),
    Effect.retry({ schedule: waiting.pipe(within(patience)), while: (error) => error instanceof Unavailable }),
    Effect.asVoid
  )
