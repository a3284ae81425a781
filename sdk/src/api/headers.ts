import { textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { PlanId } from "./ids.ts"
import { longestCursor } from "./logs.ts"

/** The event after which a stream of server-sent events resumes. */
export const LastEventId = Schema.Struct({
  "last-event-id": Schema.optional(textUpTo(longestCursor, "The id")).annotations({
    description: "Responds with server-sent events, starting after the one with this id."
  })
})

const entityTag = /^"([^"]*)"$/

/** A plan's only entity tag: its id in quotes. */
const PlanTag = textUpTo(200, "If-Match")
  .pipe(
    Schema.filter(
      (text) =>
        entityTag.test(text) ||
        (text.startsWith("W/")
          ? "If-Match has a weak entity tag: a proxy on the way has changed the plan's ETag. Send the plan's id as `plan` in the body instead."
          : 'If-Match needs the ETag of one plan, such as "plan_12_…", with its quotes.')
    ),
    Schema.transform(Schema.String, {
      strict: true,
      decode: (text) => text.slice(1, -1),
      encode: (id) => `"${id}"`
    }),
    Schema.compose(PlanId)
  )
  .annotations({
    description: "The ETag of a plan, to deploy exactly that plan. 412 if the plan is outdated."
  })

/** Deploys only if the plan is still current. */
export const IfMatch = Schema.Struct({ "if-match": Schema.optional(PlanTag) })
