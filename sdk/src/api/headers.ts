import { textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { PlanId } from "./ids.ts"

/** The event after which a stream of server-sent events resumes. */
export const LastEventId = Schema.Struct({
  "last-event-id": Schema.optional(textUpTo(200, "The id")).annotations({
    description: "Answers with server-sent events, after the one with this id."
  })
})

const entityTag = /^"([^"]*)"$/

/** The one entity tag of a plan: its id in quotes. */
const PlanTag = textUpTo(200, "If-Match")
  .pipe(
    Schema.filter(
      (text) =>
        entityTag.test(text) ||
        (text.startsWith("W/")
          ? "If-Match has a weak entity tag: a proxy on the way has changed the plan's ETag. Send the plan's id as `plan` in the body instead."
          : 'If-Match takes the ETag of one plan, such as "plan_12_…" with its quotes.')
    ),
    Schema.transform(Schema.String, {
      strict: true,
      decode: (text) => text.slice(1, -1),
      encode: (id) => `"${id}"`
    }),
    Schema.compose(PlanId)
  )
  .annotations({
    description: "The ETag of the plan that the deployment has to be. 412 if it would be another one by now."
  })

/** A deployment is made only if it is what was planned. */
export const IfMatch = Schema.Struct({ "if-match": Schema.optional(PlanTag) })
