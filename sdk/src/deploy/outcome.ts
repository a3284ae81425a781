import { Effect, Either, Stream } from "effect"
import type { Deployment } from "../api/index.ts"
import { DeploymentCancelled, DeploymentFailed, DeploymentSuperseded, type DeploymentUnsuccessful } from "../errors.ts"
import type { DeployProgress } from "./deployOptions.ts"

/** Runs a deploy's progress to its end. Returns the successful deployment, or the accepted one with `detach`. */
export const awaited = <E>(
  progress: Stream.Stream<DeployProgress, E>,
  onProgress?: (progress: DeployProgress) => void
): Effect.Effect<Deployment, E | DeploymentUnsuccessful> =>
  progress.pipe(
    Stream.tap((each) => Effect.sync(() => onProgress?.(each))),
    Stream.runFold<Ended, DeployProgress>({ deployment: undefined, finished: false }, (last, each) =>
      "deployment" in each ? { deployment: each.deployment, finished: each._tag === "finished" } : last
    ),
    Effect.flatMap(({ deployment, finished }): Effect.Effect<Deployment, DeploymentUnsuccessful> => {
      if (deployment === undefined) return Effect.dieMessage("a deploy ended without a deployment")
      return finished ? succeeded(deployment) : Effect.succeed(deployment)
    })
  )

interface Ended {
  readonly deployment: Deployment | undefined
  readonly finished: boolean
}

/** The deployment if it succeeded, else its failure. */
export const succeeded = (deployment: Deployment): Either.Either<Deployment, DeploymentUnsuccessful> => {
  switch (deployment.status.state) {
    case "succeeded":
      return Either.right(deployment)
    case "superseded":
      return Either.left(new DeploymentSuperseded({ deployment }))
    case "cancelled":
      return Either.left(new DeploymentCancelled({ deployment }))
    default:
      return Either.left(new DeploymentFailed({ deployment }))
  }
}
