import { Unavailable } from "@maxcloud/sdk/api"
import { Duration, Effect, Option, Schedule } from "effect"
import { within } from "../../base/node/monotonic.ts"
import type { Runtime, ServiceKey } from "../../runtimes/port/Runtime.ts"

/** Below the 60 seconds that the SDK waits for an answer. */
const patience = Duration.seconds(30)
const every = Duration.millis(20)

const late = ({ service }: ServiceKey, paused: boolean, why: string) =>
  new Unavailable({
    detail: paused
      ? `The service "${service}" is going to be paused, but may still answer requests: ${why}. Pause it again to wait for it; that is safe to repeat.`
      : `The service "${service}" is going to be resumed, but may still refuse requests: ${why}. Resume it again to wait for it; that is safe to repeat.`,
    retryAfterSeconds: 2
  })

/**
 * Waits until the runtime has switched the service's route, so that a caller who was told "paused" gets no other answer from the service.
 * A service that the runtime doesn't have yet answers nobody.
 */
export const untilPaused = (runtime: Pick<Runtime["Type"], "status">, key: ServiceKey, paused: boolean) =>
  runtime.status(key).pipe(
    Effect.mapError(({ message }) => late(key, paused, message)),
    Effect.filterOrFail(
      Option.match({ onNone: () => true, onSome: ({ state }) => (state === "paused") === paused }),
      () => late(key, paused, `the runtime hasn't applied it within ${Duration.format(patience)}`)
    ),
    Effect.retry(Schedule.spaced(every).pipe(within(patience))),
    Effect.asVoid
  )
