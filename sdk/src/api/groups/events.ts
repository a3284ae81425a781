import { HttpApiGroup } from "@effect/platform"
import { Authentication } from "../authentication.ts"
import { get, reads } from "../endpoint.ts"
import { EventList } from "../events.ts"
import { LastEventId } from "../headers.ts"

export class EventsGroup extends HttpApiGroup.make("events")
  .add(
    get("list", "/", {
      id: "listEvents",
      summary: "List events",
      description:
        "CloudEvents, oldest first. To ask again later, send the last `sequence` as `after`. With `Accept: text/event-stream` the answer is a stream that goes on: it begins after `Last-Event-ID` or `after`, else at `since`, else with what happens from now on. A kind that the caller's role may not read is left out.",
      client: "events.list",
      ...reads("query")
    })
      .setUrlParams(EventList.parameters)
      .setHeaders(LastEventId)
      .addSuccess(EventList.answer)
  )
  .middleware(Authentication)
  .prefix("/api/v1/events") {}
