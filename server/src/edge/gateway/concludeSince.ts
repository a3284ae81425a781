import type { ServerHttp2Stream } from "node:http2"
import { count, observe } from "../../base/telemetry/processMetrics.ts"
import type { CheckRequest } from "./CheckRequest.ts"
import type { Decision } from "./decide.ts"
import { conclude } from "./grpcAnswers.ts"

/** Answers a check with the final decision, and measures it. `arrived`: `performance.now()` when the check was complete. */
export const concludeSince = (
  arrived: number,
  stream: ServerHttp2Stream,
  request: CheckRequest,
  decision: Exclude<Decision, "unsure">
) => {
  conclude(stream, request, decision)
  count("maxcloud_gateway_decisions_total", { decision: typeof decision === "string" ? decision : "misnamed" })
  observe("maxcloud_gateway_decision_duration_seconds", {}, (performance.now() - arrived) / 1000)
}
