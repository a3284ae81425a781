import { textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"

/** The event after which a stream of server-sent events resumes. */
export const LastEventId = Schema.Struct({ "last-event-id": Schema.optional(textUpTo(200, "The id")) })

/** Two requests with the same key are one. */
export const IdempotencyKey = Schema.Struct({
  "idempotency-key": Schema.optional(Schema.String.pipe(Schema.length({ min: 1, max: 200 })))
})
