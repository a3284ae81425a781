import { Unavailable } from "@maxcloud/sdk/api"
import { Data, Duration, Effect, Option } from "effect"
import { callerPatience, whileCallerWaits } from "../../base/node/callerWaits.ts"
import type { Runtime, ServiceKey } from "../../runtimes/port/Runtime.ts"

class Late extends Data.TaggedError("Late")<{
  readonly key: ServiceKey
  readonly paused: boolean
  readonly why: string
  /** The runtime is unreachable: nobody knows how long it takes. */
  readonly away: boolean
}> {}

const unavailable = ({ key: { service }, paused, why }: Late) => {
  const reason = why.replace(/\.$/, "")
  return new Unavailable({
    detail: paused
      ? `The service "${service}" will be paused, but may still answer requests: ${reason}. To wait for it, pause it again, which is safe to repeat.`
      : `The service "${service}" will be resumed, but may still refuse requests: ${reason}. To wait for it, resume it again, which is safe to repeat.`,
    retryAfterSeconds: 2
  })
}

/**
 * Waits until the runtime has switched the service's route, so that after the answer "paused", the service gives no other answer.
 * A service that the runtime doesn't have yet answers nobody. Doesn't wait for an unreachable runtime. `isWanted`: false once
 * somebody has undone it or deleted the service, because the runtime then never switches.
 */
export const untilPaused = <E, R>(
  runtime: Pick<Runtime["Type"], "reachable" | "status">,
  key: ServiceKey,
  paused: boolean,
  isWanted: Effect.Effect<boolean, E, R>
) =>
  Effect.zipRight(runtime.reachable, runtime.status(key)).pipe(
    Effect.mapError(({ away = false, message }) => new Late({ key, paused, why: message, away })),
    Effect.filterOrFail(
      Option.match({ onNone: () => true, onSome: ({ state }) => (state === "paused") === paused }),
      () =>
        new Late({
          key,
          paused,
          why: `the runtime hasn't applied it within ${Duration.format(callerPatience)}`,
          away: false
        })
    ),
    Effect.catchAll((error) => Effect.flatMap(isWanted, (wanted) => (wanted ? Effect.fail(error) : Effect.void))),
    Effect.retry({
      schedule: whileCallerWaits,
      while: (error) => error instanceof Late && !error.away
    }),
    Effect.mapError((error) => (error instanceof Late ? unavailable(error) : error)),
    Effect.asVoid
  )
