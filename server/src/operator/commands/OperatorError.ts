import { Data } from "effect"

/** What an operator asked for is not possible: `message` says why and what to do. */
export class OperatorError extends Data.TaggedError("OperatorError")<{
  readonly reason: "organization" | "quota" | "database" | "audit" | "disk"
  readonly message: string
  /** Names of the organizations that there are, where the one that was named is not. */
  readonly organizations?: ReadonlyArray<string>
  readonly cause?: unknown
}> {}
