import { type ApiError as AnyApiError, isApiErrorInstance } from "./api/errors.ts"

/** The errors of the API, each with its `code`, `status` and `detail`. */
export {
  AnswerLost,
  ClientOutdated,
  Conflict,
  Forbidden,
  IdempotencyKeyReused,
  InsufficientStorage,
  InternalError,
  InvalidRequest,
  InvalidSpec,
  MethodNotAllowed,
  NotFound,
  NotReady,
  PayloadTooLarge,
  PlanOutdated,
  QuotaExceeded,
  RequestHeaderFieldsTooLarge,
  RequestInProgress,
  RequestTimeout,
  TooManyRequests,
  Unauthenticated,
  Unavailable,
  UnsupportedMediaType
} from "./api/errors.ts"

/** Any error of the API: `error instanceof ApiError`. */
export type ApiError = AnyApiError
export const ApiError: { readonly [Symbol.hasInstance]: (value: unknown) => value is ApiError } = {
  [Symbol.hasInstance]: isApiErrorInstance
}
