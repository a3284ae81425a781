import { Effect, Schema, Stream } from "effect"
import { required, waitTimeoutFlag } from "../args/flags.ts"
import { connect } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { follow, progressOf, tellOutcome } from "../deploy/follow.ts"
import { UsageError } from "../errors/failure.ts"

export default command({
  summary: "Wait for a deployment to finish",
  examples: [
    { line: "maxcloud deployments wait dep_…", does: "Wait until it finishes; exit with 7 if it failed" },
    { line: "maxcloud deployments wait dep_… --wait-timeout 5m", does: "Exit with 8 after five minutes" }
  ],
  flags: flags({
    waitTimeout: waitTimeoutFlag
  }),
  positionals: positionals({ id: required("ID", "The deployment's id, as `deploy --detach` prints it") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { DeploymentId } = yield* Effect.promise(() => import("@maxcloud/sdk/api"))
      const id = yield* Schema.decodeUnknown(DeploymentId)(input.id).pipe(
        Effect.mapError(
          () =>
            new UsageError({
              message: `"${input.id}" isn't a deployment id`,
              fix: "`maxcloud deployments list` shows the ids"
            })
        )
      )
      const cloud = yield* connect(input)
      const progress = Stream.unwrap(
        Effect.map(cloud.deployments.get(id), (found) => progressOf(found, cloud.deployments.events(id)))
      )
      tellOutcome(yield* follow(progress, { ...input, detach: false, known: id }, terminal), false, terminal)
    })
})
