import { Effect, Either, Schedule, Stream } from "effect"
import type { Restart, Service, ServiceId } from "../api/index.ts"
import { type CallError, RestartFailed } from "../errors.ts"
import { CallKey } from "../transport/askAgain.ts"
import type { Connection } from "../transport/connection.ts"

export interface RestartOptions {
  /** Two restarts with the same key are carried out once. @default a new one */
  readonly idempotencyKey?: string | undefined
  /** Whether to return when the restart is accepted. @default false */
  readonly detach?: boolean | undefined
}

/** The progress of a restart: accepted, then the service at each change, and its final state. */
export type RestartProgress =
  | { readonly _tag: "accepted"; readonly restart: Restart }
  | { readonly _tag: "changed"; readonly service: Service }
  | { readonly _tag: "finished"; readonly service: Service }

const lookEvery = "500 millis"

/** Whether the restart has finished: its revision, or a newer one, is `ready` or `failed`. */
const restartStateOf = (
  { latestCreatedRevision, latestReadyRevision, state }: Service["status"],
  replaces: string | null
): "pending" | "ready" | "failed" => {
  if (state === "paused" || state === "deleting") return "failed"
  if (latestCreatedRevision === null || latestCreatedRevision === replaces) return "pending"
  if (state === "failed" || state === "degraded") return "failed"
  return latestReadyRevision === latestCreatedRevision && (state === "ready" || state === "idle") ? "ready" : "pending"
}

/** The part of a service to report to people who wait for it. */
const newsOf = ({ status }: Service) =>
  JSON.stringify([
    status.latestCreatedRevision,
    status.latestReadyRevision,
    status.state,
    status.diagnosis?.code,
    status.conditions.map((condition) => [condition.type, condition.status, condition.reason, condition.message])
  ])

/** Whether the server is only temporarily unreachable, so that the next poll may succeed. */
const passes = ({ _tag }: CallError) => _tag === "NotReachable" || _tag === "Unavailable" || _tag === "TooManyRequests"

export const makeRestart =
  ({ call }: Connection, api: Effect.Effect.Success<Connection["api"]>) =>
  (
    service: Effect.Effect<{ readonly id: ServiceId }, CallError>,
    options: RestartOptions
  ): Stream.Stream<RestartProgress, CallError> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const { id } = yield* service
        const restart = yield* call(api.services.restart({ path: { id } })).pipe(
          Effect.provideService(CallKey, options.idempotencyKey)
        )
        const accepted: RestartProgress = { _tag: "accepted", restart }
        if (options.detach === true) return Stream.make(accepted)
        const look = call(api.services.get({ path: { id } })).pipe(
          Effect.map((found): Service | undefined => found),
          Effect.catchIf(passes, () => Effect.succeed(undefined))
        )
        let told = newsOf(restart.service)
        const looks = Stream.repeatEffectWithSchedule(look, Schedule.spaced(lookEvery)).pipe(
          Stream.filter((value) => value !== undefined),
          Stream.mapConcat((found): ReadonlyArray<RestartProgress> => {
            if (restartStateOf(found.status, restart.replaces) !== "pending")
              return [{ _tag: "finished", service: found }]
            const news = newsOf(found)
            if (news === told) return []
            told = news
            return [{ _tag: "changed", service: found }]
          }),
          Stream.takeUntil((found) => found._tag === "finished")
        )
        return Stream.concat(Stream.make(accepted), looks)
      })
    )

/** The service if it was restarted, else the failure. */
export const restarted = (service: Service): Either.Either<Service, RestartFailed> =>
  service.status.state === "ready" || service.status.state === "idle"
    ? Either.right(service)
    : Either.left(new RestartFailed({ service }))
