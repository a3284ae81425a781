import { Data } from "effect"

/** An installation cannot be done, or is not whole. `message` says what and where, `fix` what to do. */
export class ClusterProblem extends Data.TaggedError("ClusterProblem")<{
  readonly message: string
  readonly fix: string
}> {}
