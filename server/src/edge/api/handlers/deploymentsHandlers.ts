import { HttpApiBuilder } from "@effect/platform"
import { CurrentOrganization, DeploymentEvent, MaxCloudApi } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { Deployments } from "../../../control/deployments/Deployments.ts"
import { Draining } from "../../http/Draining.ts"
import { currentAsked } from "../../http/problems.ts"
import { eventStream, type ServerSentEvent } from "../streams/sse.ts"

const encodeEvent = Schema.encodeSync(DeploymentEvent)

export const deploymentsHandlers = HttpApiBuilder.group(MaxCloudApi, "deployments", (handlers) =>
  Effect.gen(function* () {
    const deployments = yield* Deployments
    const draining = yield* Draining
    return handlers
      .handle("get", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) => deployments.get(organization, path.id))
      )
      .handle("events", ({ headers, path }) =>
        Effect.gen(function* () {
          const organization = yield* CurrentOrganization
          const asked = yield* currentAsked
          const events = yield* deployments.events(organization, path.id, eventIdOf(headers["last-event-id"]))
          return eventStream(events, {
            toEvent: (event): ServerSentEvent => ({
              id: String(event.id),
              event: "deployment",
              data: encodeEvent(event)
            }),
            asked,
            until: draining.begun
          })
        })
      )
  })
)

/** For an unknown id, start from the beginning: repeated events do no harm, missed ones would. */
const eventIdOf = (lastEventId: string | undefined) =>
  lastEventId !== undefined && /^\d{1,9}$/.test(lastEventId) ? Number(lastEventId) : 0
