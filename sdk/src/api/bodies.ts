import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import type { Schema } from "effect"

/** The content type of PATCH bodies (RFC 7396). */
export const mergePatchType = "application/merge-patch+json"

/** A PATCH body: absent members stay unchanged, and null removes one. */
export const mergePatch = <A, I, R>(schema: Schema.Schema<A, I, R>): Schema.Schema<A, I, R> =>
  HttpApiSchema.withEncoding(schema, { kind: "Json", contentType: mergePatchType })

/** An export, with JSON on each line. */
export const JsonLines = HttpApiSchema.Text({ contentType: "application/x-ndjson" })

/** Server-sent events. */
export const EventStream = HttpApiSchema.Text({ contentType: "text/event-stream" })
