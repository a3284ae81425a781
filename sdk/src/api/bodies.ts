import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import type { Schema } from "effect"

/** The content type of a body of PATCH (RFC 7396). */
export const mergePatchType = "application/merge-patch+json"

/** A body of PATCH: members that are absent stay as they are, and null removes one. */
export const mergePatch = <A, I, R>(schema: Schema.Schema<A, I, R>): Schema.Schema<A, I, R> =>
  HttpApiSchema.withEncoding(schema, { kind: "Json", contentType: mergePatchType })

/** An export: each line is JSON. */
export const JsonLines = HttpApiSchema.Text({ contentType: "application/x-ndjson" })

/** Server-sent events. */
export const EventStream = HttpApiSchema.Text({ contentType: "text/event-stream" })
