import type { MaxCloudError } from "@maxcloud/sdk/effect"

/** What each exit code says. They are part of the contract with scripts: none ever changes its meaning. */
export const exitCodes = [
  [0, "ok"],
  [1, "failure: anything that has no code of its own"],
  [2, "usage, or an invalid config: nothing was sent"],
  [3, "a passing fault (no connection, the server is unavailable): safe to try again"],
  [4, "not signed in, or forbidden"],
  [5, "not found"],
  [6, "conflict: the name is taken"],
  [7, "the deployment failed, or the restart; what ran before goes on"],
  [8, "gave up waiting; the deployment (its id is printed) or restart goes on"],
  [9, "over quota or budget"],
  [10, "`plan --exit-code` found changes"],
  [130, "interrupted"]
] as const satisfies ReadonlyArray<readonly [number, string]>

export type ExitCode = (typeof exitCodes)[number][0]

/** Exit code of each error of the API and the SDK: a new error does not compile until it has one. */
export const exitCodeOf = {
  InvalidRequest: 2,
  InvalidSpec: 2,
  Unauthenticated: 4,
  Forbidden: 4,
  QuotaExceeded: 9,
  NotFound: 5,
  MethodNotAllowed: 1,
  RequestTimeout: 3,
  Conflict: 6,
  PayloadTooLarge: 2,
  UnsupportedMediaType: 1,
  TooManyRequests: 3,
  RequestHeaderFieldsTooLarge: 2,
  Unavailable: 3,
  NotReady: 3,
  InsufficientStorage: 3,
  InternalError: 1,
  ConfigInvalid: 2,
  SourceInvalid: 2,
  NotReachable: 3,
  InsecureUrl: 2,
  UnexpectedAnswer: 1,
  DeploymentFailed: 7,
  RestartFailed: 7
} as const satisfies Record<MaxCloudError["_tag"], ExitCode>
