import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
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
        "CloudEvents, oldest first. To continue later, send the last `sequence` as `after`. With `Accept: text/event-stream` the response is a live stream that starts after `Last-Event-ID` or `after`, at `since`, or now. Types that the caller's role can't read are omitted.",
      client: "events.list",
      ...reads("query")
    })
      .setUrlParams(EventList.parameters)
      .setHeaders(LastEventId)
      .addSuccess(EventList.answer)
  )
  .middleware(Authentication)
  .prefix("/api/v1/events") {}
