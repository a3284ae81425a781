import type { MaxCloudError } from "@maxcloud/sdk/effect"
import { errorTable } from "@maxcloud/sdk/errors"

/** The meaning of each exit code, short and in full. Scripts depend on them, so never change the meaning of a code. */
export const exitCodes = [
  [0, "ok", "ok"],
  [1, "failure", "failure: anything without a code of its own"],
  [2, "usage or config", "wrong usage, or an invalid config: nothing was sent"],
  [3, "try again", "temporary failure (no connection, or the server is unavailable): safe to retry"],
  [4, "forbidden", "not signed in, or forbidden"],
  [5, "not found", "not found"],
  [6, "conflict", "conflict: the name is taken"],
  [7, "deployment failed", "the deployment or restart failed; the previous revisions keep running"],
  [8, "gave up waiting", "stopped waiting; the deployment (its id is printed) or restart continues"],
  [9, "quota", "over quota or budget"],
  [10, "changes", "`plan --exit-code` found changes"],
  [11, "superseded", "a newer deployment replaced this one before it finished"],
  [12, "cancelled", "the deployment was cancelled"],
  [13, "plan outdated", "something was deployed or changed since the plan, so nothing was deployed"],
  [14, "update", "the client or the server is too old for the other: update the older one"],
  [130, "interrupted", "interrupted"]
] as const satisfies ReadonlyArray<readonly [number, string, string]>

export type ExitCode = (typeof exitCodes)[number][0]

/** The exit code for an error of the API or the SDK. Doesn't compile if an error lacks a row, or has a code that isn't listed above. */
export const exitCodeOf = (tag: MaxCloudError["_tag"]): ExitCode => errorTable[tag].exit

/** The exit code for a problem that only newer versions know, by its HTTP status. */
export const exitCodeOfStatus = (status: number): ExitCode => {
  if (status === 401 || status === 403) return 4
  if (status === 404 || status === 410) return 5
  if (status === 409 || status === 412) return 6
  if (status === 408 || status === 425 || status === 429 || status === 503 || status === 504) return 3
  return status < 500 ? 2 : 1
}

export const isErrorTag = (tag: string): tag is MaxCloudError["_tag"] => Object.hasOwn(errorTable, tag)
