import { Data } from "effect"

/** An installation failed or is incomplete. `message` says what and where, `fix` how to fix it. */
export class ClusterProblem extends Data.TaggedError("ClusterProblem")<{
  readonly message: string
  readonly fix: string
}> {}
