import { Effect, Either, Schedule, Stream } from "effect"
import type { Restart, Service, ServiceId } from "../api/index.ts"
import { type CallError, RestartFailed } from "../errors.ts"
import { CallKey } from "../transport/askAgain.ts"
import type { Connection } from "../transport/connection.ts"

export interface RestartOptions {
  /** Asked again with the same key, a restart isn't done twice. @default a new one */
  readonly idempotencyKey?: string | undefined
  /** Ends when the restart is accepted. @default false */
  readonly detach?: boolean | undefined
}

/** The progress of a restart: accepted, then the service at each change, and its final state. */
export type RestartProgress =
  | { readonly _tag: "accepted"; readonly restart: Restart }
  | { readonly _tag: "changed"; readonly service: Service }
  | { readonly _tag: "finished"; readonly service: Service }

const lookEvery = "500 millis"

/** Has the restart come to its end? `ready` and `failed` of the revision that it made, or of a newer one. */
const restartStateOf = (
  { latestCreatedRevision, latestReadyRevision, state }: Service["status"],
  replaces: string | null
): "pending" | "ready" | "failed" => {
  if (state === "paused" || state === "deleting") return "failed"
  if (latestCreatedRevision === null || latestCreatedRevision === replaces) return "pending"
  if (state === "failed" || state === "degraded") return "failed"
  return latestReadyRevision === latestCreatedRevision && (state === "ready" || state === "idle") ? "ready" : "pending"
}

/** The part of a service whose change interests somebody who waits for it. */
const newsOf = ({ status }: Service) =>
  JSON.stringify([
    status.latestCreatedRevision,
    status.latestReadyRevision,
    status.state,
    status.diagnosis?.code,
    status.conditions.map((condition) => [condition.type, condition.status, condition.reason, condition.message])
  ])

/** The server is unreachable for a moment. The next poll may succeed. */
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

/** The service where it was restarted, else the failure that it is. */
export const restarted = (service: Service): Either.Either<Service, RestartFailed> =>
  service.status.state === "ready" || service.status.state === "idle"
    ? Either.right(service)
    : Either.left(new RestartFailed({ service }))
