import { HttpServerRequest } from "@effect/platform"
import { Effect } from "effect"

/** Does the request ask for server-sent events, of an operation that has an answer without them too? */
export const wantsStream = Effect.map(
  HttpServerRequest.HttpServerRequest,
  ({ headers }) => (headers["accept"] ?? "").includes("text/event-stream") || headers["last-event-id"] !== undefined
)
