import { Effect, Schema } from "effect"
import { appOf, connect, stageOf } from "../client.ts"
import { command, flags, type Globals, positionals } from "../command.ts"
import { UsageError } from "../failure.ts"
import { configAppFlag, required } from "../flags.ts"

/** The deployment's place: of an id the server knows it, of a number the flags and the config say it. */
const placeOf = (input: Globals & { readonly deployment: string; readonly app: string | undefined }) =>
  Effect.gen(function* () {
    const { DeploymentId } = yield* Effect.promise(() => import("@maxcloud/sdk/api"))
    const written = input.deployment
    if (Schema.is(DeploymentId)(written)) {
      const cloud = yield* connect(input)
      const { app, number, stage } = yield* cloud.deployments.get(written)
      return { cloud, app, number, stage }
    }
    if (!/^[1-9]\d{0,9}$/.test(written)) {
      return yield* new UsageError({
        message: `"${written}" isn't the number or the id of a deployment`,
        fix: "`maxcloud deployments list` shows both"
      })
    }
    const app = yield* appOf(input)
    return { cloud: yield* connect(input), app, number: Number(written), stage: yield* stageOf(input) }
  })

export default command({
  summary: "Cancel a deployment that hasn't finished",
  examples: [
    { line: "maxcloud deployments cancel 12", does: "Return the app to its last successful deployment" },
    { line: "maxcloud deployments cancel dep_…", does: "Cancel by id" }
  ],
  notes: [
    "The deployment ends as cancelled. The last successful one before it is deployed again, under a new number; if there is none, everything that it started is removed. Safe to repeat."
  ],
  flags: flags({ app: configAppFlag }),
  positionals: positionals({ deployment: required("DEPLOYMENT", "Its number or id") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { app, cloud, number, stage } = yield* placeOf(input)
      const deployment = yield* cloud.deployments.cancel(app, number, { stage })
      if (terminal.json) return terminal.printJson({ deployment })
      terminal.say(`deployment ${number} of ${app} (${deployment.stage}): ${deployment.status.message}`)
    })
})
