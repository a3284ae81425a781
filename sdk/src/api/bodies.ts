import { HttpApiSchema } from "@effect/platform"

/** An export: each line is JSON. */
export const JsonLines = HttpApiSchema.Text({ contentType: "application/x-ndjson" })

/** Server-sent events. */
export const EventStream = HttpApiSchema.Text({ contentType: "text/event-stream" })
