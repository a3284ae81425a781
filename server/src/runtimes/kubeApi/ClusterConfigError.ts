import { Data } from "effect"

/** The cluster can't be used with this configuration. `message` says what is wrong, where, and how to fix it. */
export class ClusterConfigError extends Data.TaggedError("ClusterConfigError")<{
  readonly reason: "missing" | "invalid" | "context" | "credentials" | "certificate" | "unreachable" | "unsupported"
  readonly message: string
}> {}
