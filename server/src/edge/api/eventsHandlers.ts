import { HttpApiBuilder, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { CloudEvent, type EventParameters, MaxCloudApi } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import type { Caller } from "../../tenancy/access/Caller.ts"
import { type EventQuery, Events, readableTypes } from "../../tenancy/events/Events.ts"
import { Draining } from "../http/Draining.ts"
import { currentAsked, invalidRequest } from "../http/problems.ts"
import { currentCaller } from "./callerOf.ts"
import { instantOf } from "./instantOf.ts"
import { nextPage } from "./nextPage.ts"
import { eventStream } from "./sse.ts"

const encodeEvent = Schema.encodeSync(CloudEvent)
const encodeEvents = Schema.encodeSync(Schema.Array(CloudEvent))

/** A reader comes back with its `Last-Event-ID` after this time, so that a role that was taken away stops showing its kinds. */
const longestStream = "5 minutes"

const noCursor = invalidRequest("Last-Event-ID isn't the id of an event of this stream. Leave it out to begin anew.")

const queryOf = ({ roles, scopes }: Caller, { app, since, stage, type = ["*"] }: EventParameters) =>
  Effect.map(
    since === undefined ? Effect.succeed(undefined) : instantOf(since),
    (since): EventQuery => ({ types: readableTypes(type, roles), app, stage, since, scopes })
  )

export const eventsHandlers = HttpApiBuilder.group(MaxCloudApi, "events", (handlers) =>
  Effect.gen(function* () {
    const events = yield* Events
    const draining = yield* Draining
    return handlers.handle("list", ({ headers, urlParams }) =>
      Effect.gen(function* () {
        const caller = yield* currentCaller
        const request = yield* HttpServerRequest.HttpServerRequest
        const query = yield* queryOf(caller, urlParams)
        const { cursor, limit } = urlParams
        const { id } = caller.organization
        if ((request.headers.accept ?? "").includes("text/event-stream")) {
          const after = headers["last-event-id"] ?? cursor
          if (after !== undefined && !/^\d{1,18}$/.test(after)) return yield* noCursor
          return eventStream(events.follow(id, query, after === undefined ? undefined : Number(after)), {
            toEvent: (event) => ({ id: event.sequence, event: event.type, data: encodeEvent(event) }),
            asked: yield* currentAsked,
            until: Effect.raceFirst(draining.begun, Effect.sleep(longestStream))
          })
        }
        const found = yield* events.list(id, query, { after: Number(cursor ?? 0), limit: limit + 1 })
        const page = found.slice(0, limit)
        const last = page.at(-1)
        const more = found.length > limit && last !== undefined
        return HttpServerResponse.unsafeJson(encodeEvents(page), {
          headers: more ? { link: nextPage(request.url, last.sequence) } : {}
        })
      })
    )
  })
)
