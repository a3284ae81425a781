import { Data } from "effect"

/** The operator's request isn't possible: `message` says why, and how to fix it. */
export class OperatorError extends Data.TaggedError("OperatorError")<{
  readonly reason: "organization" | "quota" | "database" | "audit" | "disk"
  readonly message: string
  /** Names of existing organizations, if the named one doesn't exist. */
  readonly organizations?: ReadonlyArray<string>
  readonly cause?: unknown
}> {}
