import type { SqlClient } from "@effect/sql/SqlClient"
import type { DeploymentEvent, DeploymentId, OrganizationId, Unavailable } from "@maxcloud/sdk/api"
import { type Context, Effect, Schedule, Stream } from "effect"
import { Notifications } from "../../../base/database/Notifications.ts"
import { orUnavailable } from "../../../base/database/sqlErrors.ts"
import { readEvents } from "./deploymentRows.ts"

/** How often a reader of events checks on its own: a wake-up may be lost. */
const lookMs = 2_000

/** The events of a deployment after `afterId`, until it has finished. */
export const followEvents = (
  context: Context.Context<SqlClient | Notifications>,
  organizationId: OrganizationId,
  id: DeploymentId,
  afterId: number
): Stream.Stream<DeploymentEvent, Unavailable> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const { subscribe } = yield* Notifications
      const messages = yield* subscribe
      const wakes = Stream.fromQueue(messages).pipe(
        Stream.filter((value) => value === `deployment ${id}` || value === "reconnected"),
        Stream.merge(Stream.fromSchedule(Schedule.spaced(lookMs))),
        Stream.buffer({ capacity: 1, strategy: "sliding" })
      )
      return Stream.concat(Stream.make(undefined), wakes).pipe(
        Stream.mapAccumEffect(afterId, (last) =>
          readEvents(organizationId, id, last).pipe(
            orUnavailable,
            Effect.map((events) => [events.at(-1)?.id ?? last, events])
          )
        ),
        Stream.flattenIterables,
        Stream.takeUntil((found) => found.type === "finished")
      )
    })
  ).pipe(Stream.provideSomeContext(context))
