import { Effect } from "effect"
import { configAppFlag, required } from "../args/flags.ts"
import { command, flags, positionals } from "../command.ts"
import { deploymentPlace } from "../deploy/deploymentPlace.ts"

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
      const { app, cloud, number, stage } = yield* deploymentPlace(input)
      const deployment = yield* cloud.deployments.cancel(app, number, { stage })
      if (terminal.json) return terminal.printJson({ deployment })
      terminal.say(`deployment ${number} of ${app} (${deployment.stage}): ${deployment.status.message}`)
    })
})
