import { Data } from "effect"

/** The cluster cannot be used as it is configured. `message` says what is wrong, where, and what to do. */
export class ClusterConfigError extends Data.TaggedError("ClusterConfigError")<{
  readonly reason: "missing" | "invalid" | "context" | "credentials" | "certificate" | "unreachable" | "unsupported"
  readonly message: string
}> {}
