import type { MaxCloudError } from "@maxcloud/sdk/effect"
import { errorTable } from "@maxcloud/sdk/errors"

/** The meaning of each exit code, in short and in full. Scripts depend on them: a code never changes its meaning. */
export const exitCodes = [
  [0, "ok", "ok"],
  [1, "failure", "failure: anything that has no code of its own"],
  [2, "usage or config", "usage, or an invalid config: nothing was sent"],
  [3, "try again", "a passing fault (no connection, the server is unavailable): safe to try again"],
  [4, "forbidden", "not signed in, or forbidden"],
  [5, "not found", "not found"],
  [6, "conflict", "conflict: the name is taken"],
  [7, "deployment failed", "the deployment failed, or the restart; what ran before continues"],
  [8, "gave up waiting", "gave up waiting; the deployment (its id is printed) or restart continues"],
  [9, "quota", "over quota or budget"],
  [10, "changes", "`plan --exit-code` found changes"],
  [11, "superseded", "a newer deployment took this one's place before it had finished"],
  [12, "cancelled", "the deployment was cancelled"],
  [13, "plan outdated", "something was deployed or changed since the plan: nothing was deployed"],
  [14, "update", "the client or the server is too old for the other: update it"],
  [130, "interrupted", "interrupted"]
] as const satisfies ReadonlyArray<readonly [number, string, string]>

export type ExitCode = (typeof exitCodes)[number][0]

/** Exit code of an error of the API or the SDK. An error without a row, or with a code that isn't listed above, doesn't compile. */
export const exitCodeOf = (tag: MaxCloudError["_tag"]): ExitCode => errorTable[tag].exit

/** Exit code of a problem that only a newer version knows, by its HTTP status. */
export const exitCodeOfStatus = (status: number): ExitCode => {
  if (status === 401 || status === 403) return 4
  if (status === 404 || status === 410) return 5
  if (status === 409 || status === 412) return 6
  if (status === 408 || status === 425 || status === 429 || status === 503 || status === 504) return 3
  return status < 500 ? 2 : 1
}

export const isErrorTag = (tag: string): tag is MaxCloudError["_tag"] => Object.hasOwn(errorTable, tag)
