import { HttpApiBuilder } from "@effect/platform"
import { CloudEvent, EventList, type EventParameters, MaxCloudApi } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import type { Caller } from "../../../tenancy/access/Caller.ts"
import { type EventQuery, Events, readableTypes } from "../../../tenancy/events/Events.ts"
import { Draining } from "../../http/Draining.ts"
import { currentAsked, invalidRequest } from "../../http/problems.ts"
import { eventStream } from "../streams/sse.ts"
import { answerPage } from "./answerPage.ts"
import { currentCaller } from "./callerOf.ts"
import { instantIf } from "./instantOf.ts"
import { wantsStream } from "./wantsStream.ts"

const encodeEvent = Schema.encodeSync(CloudEvent)

/** After this time a reader reconnects with its `Last-Event-ID`, so that a revoked role stops receiving its kinds. */
const longestStream = "5 minutes"

const noCursor = invalidRequest(
  "Last-Event-ID isn't the id of an event of this stream. Leave it out to start from the beginning."
)

const queryOf = ({ roles, scopes }: Caller, { after, app, service, since, stage, type = ["*"] }: EventParameters) =>
  Effect.map(
    instantIf(since),
    (since): EventQuery => ({
      types: readableTypes(type, roles),
      app,
      stage,
      service,
      since,
      scopes,
      after: after === undefined ? undefined : Number(after)
    })
  )

export const eventsHandlers = HttpApiBuilder.group(MaxCloudApi, "events", (handlers) =>
  Effect.gen(function* () {
    const events = yield* Events
    const draining = yield* Draining
    return handlers.handle("list", ({ headers, urlParams }) =>
      Effect.gen(function* () {
        const caller = yield* currentCaller
        const query = yield* queryOf(caller, urlParams)
        const { id } = caller.organization
        if (!(yield* wantsStream))
          return yield* answerPage(EventList, events.page(id, query, EventList.pagingOf(urlParams)))
        const last = headers["last-event-id"]
        if (last !== undefined && !/^\d{1,18}$/.test(last)) return yield* noCursor
        return eventStream(events.follow(id, last === undefined ? query : { ...query, after: Number(last) }), {
          toEvent: (event) => ({ id: event.sequence, event: event.type, data: encodeEvent(event) }),
          asked: yield* currentAsked,
          until: Effect.raceFirst(draining.begun, Effect.sleep(longestStream))
        })
      })
    )
  })
)
