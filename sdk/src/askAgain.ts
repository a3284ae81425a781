import { Effect, Schedule } from "effect"
import { type CallError, noAnswerCode } from "./errors.ts"

/** Was a request perhaps carried out, and its answer lost on the way? */
const isLost = (error: CallError) =>
  error._tag === "NotReachable" &&
  error.code !== "ECONNREFUSED" &&
  error.code !== "ERR_INVALID_URL" &&
  error.code !== noAnswerCode

/** Asks again where the answer was lost on its way. Only for requests with an idempotency key. */
export const askAgain = <A, E extends CallError, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.retry(call, { while: isLost, times: 3, schedule: Schedule.exponential("200 millis") })
