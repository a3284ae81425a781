import { HttpServerRequest } from "@effect/platform"
import { Effect } from "effect"

/** Does the request ask for server-sent events, from an operation that also has an ordinary answer? */
export const wantsStream = Effect.map(
  HttpServerRequest.HttpServerRequest,
  ({ headers }) => (headers["accept"] ?? "").includes("text/event-stream") || headers["last-event-id"] !== undefined
)
