export { inBody, inSpec, pointerOf, specIssueOf } from "./pointers.ts"

/**
 * Every error, one row each, with its meaning and the exit code of a command that fails with it. `status` and `title` are the fields of the
 * problem document (RFC 9457). Plain data, so that the CLI starts fast.
 */
export const apiErrors = {
  InvalidRequest: {
    status: 400,
    title: "Invalid request",
    exit: 2,
    meaning: "The request can't be read: not JSON, a wrong type, a bad parameter. `errors` says where and why."
  },
  ClientOutdated: {
    status: 400,
    title: "Client outdated",
    exit: 14,
    meaning:
      "The server no longer supports this version of the command line or SDK. `minimumClient` is the oldest supported version. Update the client."
  },
  InvalidSpec: {
    status: 422,
    title: "Invalid app",
    exit: 2,
    meaning:
      "The app can be read but not deployed: an unknown link, a host name that is too long, a secret that nobody has set. `errors` says where and why."
  },
  Unauthenticated: {
    status: 401,
    title: "Not signed in",
    exit: 4,
    meaning: "No credential, or an unknown one. `localMode`: the server has no accounts, only the user who started it."
  },
  Forbidden: {
    status: 403,
    title: "Forbidden",
    exit: 4,
    meaning: "A foreign Host or Origin on the loopback API, or a credential that may not do this."
  },
  QuotaExceeded: {
    status: 403,
    title: "Quota exceeded",
    exit: 9,
    meaning: "The request exceeds the organization's quota."
  },
  NotFound: {
    status: 404,
    title: "Not found",
    exit: 5,
    meaning: "The organization has no `resource` with this name (`resourceName`)."
  },
  MethodNotAllowed: {
    status: 405,
    title: "Method not allowed",
    exit: 1,
    meaning: "The path doesn't support the method. `Allow` lists the supported ones."
  },
  RequestTimeout: {
    status: 408,
    title: "Request timeout",
    exit: 3,
    meaning: "The request didn't arrive in time, or nobody sent anything on a session or connection for too long."
  },
  Conflict: {
    status: 409,
    title: "Conflict",
    exit: 6,
    meaning: "Something else has the name, or the state doesn't allow it."
  },
  RequestInProgress: {
    status: 409,
    title: "Request in progress",
    exit: 3,
    meaning:
      "The same request, with the same idempotency key, is in progress. Retry after `Retry-After` to get its response."
  },
  IdempotencyKeyReused: {
    status: 422,
    title: "Idempotency key reused",
    exit: 6,
    meaning: "The idempotency key was used for another request to the operation. Use a new key for each change."
  },
  AnswerLost: {
    status: 409,
    title: "Answer lost",
    exit: 6,
    meaning:
      "The request with this idempotency key was carried out, but the server stopped before it could respond. Check the result; a new key repeats the request."
  },
  PlanOutdated: {
    status: 412,
    title: "Plan outdated",
    exit: 13,
    meaning:
      "The plan is outdated: something else was deployed since, or a secret, an image's digest or a setting of the server has changed. Nothing was deployed. Create a new plan."
  },
  PayloadTooLarge: {
    status: 413,
    title: "Payload too large",
    exit: 2,
    meaning: "The body is too large."
  },
  UnsupportedMediaType: {
    status: 415,
    title: "Unsupported media type",
    exit: 1,
    meaning: "Unsupported content type."
  },
  TooManyRequests: {
    status: 429,
    title: "Too many requests",
    exit: 3,
    meaning: "More requests than the rate limit allows. `RateLimit` and `Retry-After` say when to retry."
  },
  RequestHeaderFieldsTooLarge: {
    status: 431,
    title: "Request header fields too large",
    exit: 2,
    meaning: "The header fields are too large: the limit is 64 KiB, including the request line."
  },
  Unavailable: {
    status: 503,
    title: "Unavailable",
    exit: 3,
    meaning:
      "A part of the server (its database, its runtime) is currently unreachable. Retry the request after `Retry-After`."
  },
  NotReady: {
    status: 503,
    title: "Not ready",
    exit: 3,
    meaning:
      "The server responds, but isn't fully ready: its database is unreachable or its disk is full, for example. `checks` says which."
  },
  InsufficientStorage: {
    status: 507,
    title: "Insufficient storage",
    exit: 3,
    meaning: "The server's disk is full. The operator must free space."
  },
  InternalError: {
    status: 500,
    title: "Internal error",
    exit: 1,
    meaning: "Internal error. The server's log has the cause under `requestId`."
  }
} as const

/** Failures of the SDK itself, before or after a call. */
export const sdkErrors = {
  ConfigInvalid: { exit: 2, meaning: "The config can't be read, evaluated or parsed. Nothing was sent." },
  SourceInvalid: {
    exit: 2,
    meaning:
      "The folder of a `source` can't be sent: it doesn't exist, is empty or too large, or a link points outside of it."
  },
  NotReachable: {
    exit: 3,
    meaning: "Nothing responds at the URL, the connection broke, or no response came in time. Safe to retry."
  },
  InsecureUrl: {
    exit: 2,
    meaning: "A credential would travel without encryption: `http:` to another machine. Nothing was sent."
  },
  CredentialUnavailable: {
    exit: 1,
    meaning:
      "The credential can't be read or obtained: a damaged credentials file, or GitHub Actions provides no ID token. Nothing was sent. A command exits with 3 if retrying may help."
  },
  UnknownProblem: {
    exit: 1,
    meaning:
      "A problem of a newer server that this version doesn't know. `type` and `status` describe it. A command's exit code depends on the status. Update the client."
  },
  UnexpectedAnswer: {
    exit: 1,
    meaning: "The response isn't from a max-cloud server of a known version: a proxy's error page, for example."
  },
  ServerOutdated: {
    exit: 14,
    meaning:
      "The server is older than the client and lacks the operation. Update the server, or use the client of its version."
  },
  DeploymentFailed: { exit: 7, meaning: "The deployment didn't succeed. The previous instances keep running." },
  DeploymentSuperseded: {
    exit: 11,
    meaning: "A newer deployment replaced this one before it finished."
  },
  DeploymentCancelled: {
    exit: 12,
    meaning: "Somebody cancelled the deployment. The app goes back to its last successful one."
  },
  RestartFailed: {
    exit: 7,
    meaning: "The new instances of a restart don't serve. The previous instances keep running."
  }
} as const

export const errorTable = { ...apiErrors, ...sdkErrors }

/** Responses that a service's callers get from the proxy, the activator or the gateway instead of the service. */
export const serviceErrors = {
  UnknownHost: { status: 404, title: "Unknown host", meaning: "No service has the requested host." },
  UnknownTransferCoding: {
    status: 501,
    title: "Unknown transfer coding",
    meaning: "The request's body has a transfer coding other than `chunked`."
  },
  InstanceFailed: {
    status: 502,
    title: "Instance failed",
    meaning: "The service's instance closed the connection before it responded, or doesn't start."
  },
  MalformedResponse: {
    status: 502,
    title: "Malformed response",
    meaning: "The service's instance didn't send valid HTTP."
  },
  Starting: {
    status: 503,
    title: "Starting",
    meaning: "The server has just started and doesn't know its services yet."
  },
  NoInstance: { status: 503, title: "No instance", meaning: "No instance of the service can accept the request now." },
  Paused: {
    status: 503,
    title: "This service is paused",
    meaning: "The service's owner has paused it. `maxcloud resume` starts it again."
  },
  ServiceTimeout: {
    status: 504,
    title: "Service timeout",
    meaning: "The service didn't start to respond within its config's `timeout`."
  }
} as const

export const problemTable = { ...apiErrors, ...serviceErrors }
export type ProblemTag = keyof typeof problemTable

/** `code` of a problem document: `not_found` for `NotFound`. */
export const codeOf = (tag: string): string => tag.replace(/\B[A-Z]/g, (value) => `_${value}`).toLowerCase()

/** The path of the page that explains a problem, on every server: `/problems/not-found` for `NotFound`. */
export const problemPath = (tag: ProblemTag): string => `/problems/${codeOf(tag).replaceAll("_", "-")}`
