import { HttpApiGroup } from "@effect/platform"
import { Schema } from "effect"
import { Authentication } from "../authentication.ts"
import { get, reads } from "../endpoint.ts"
import { CloudEvent, EventParameters } from "../events.ts"
import { LastEventId } from "../headers.ts"

export class EventsGroup extends HttpApiGroup.make("events")
  .add(
    get("list", "/", {
      id: "listEvents",
      summary: "List events",
      description:
        'CloudEvents, oldest first, in pages: `Link` with `rel="next"` names the next one. With `Accept: text/event-stream` the answer is a stream that goes on: it begins after `Last-Event-ID`, else at `since`, else with what happens from now on. A kind that the caller\'s role may not read is left out.',
      client: "events.list",
      ...reads("query")
    })
      .setUrlParams(EventParameters)
      .setHeaders(LastEventId)
      .addSuccess(Schema.Array(CloudEvent))
  )
  .middleware(Authentication)
  .prefix("/api/v1/events") {}
