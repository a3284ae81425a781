import type { DeployProgress } from "@maxcloud/sdk/effect"
import { Effect } from "effect"
import { required, serviceFlags, toggle, waitTimeoutFlag, yesFlag } from "../args/flags.ts"
import { connectToService } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { follow, progressOf, tellOutcome } from "../deploy/follow.ts"
import { confirmByName } from "../input/prompt.ts"

/** Whether the service is gone, even if the deployment still waits for others. */
const isGone = (name: string) => (progress: DeployProgress) =>
  progress._tag === "event" && progress.event.service === name && progress.event.reason === "Deleted"

export default command({
  summary: "Delete a service",
  examples: [
    { line: "maxcloud delete myapp", does: "Delete it, after asking" },
    { line: "maxcloud delete web --yes", does: "Don't ask" }
  ],
  notes: [
    "If the app has several services and there is no terminal, add --yes. Remove the service from the config too, or the next deploy brings it back.",
    "The state of the other services doesn't matter. A service isn't deleted while a revision that can still run calls it; the command names the revision."
  ],
  flags: flags({
    ...serviceFlags,
    yes: yesFlag,
    detach: toggle("detach", { alias: "d", description: "Don't wait until it's gone" }),
    waitTimeout: waitTimeoutFlag
  }),
  positionals: positionals({ name: required("NAME", "The service") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { at, cloud, name } = yield* connectToService(input)
      const service = yield* cloud.services.get(name, at)
      const siblings = yield* cloud.services.list({ app: service.app, stage: service.stage })
      if (terminal.canAsk || siblings.length > 1) {
        yield* confirmByName(input, name, `${name} of ${service.app} (${service.stage}) will be deleted`, terminal)
      }
      const deployment = yield* cloud.services.delete(name, at)
      const progress = progressOf(deployment, cloud.deployments.events(deployment.id))
      if (input.detach) return tellOutcome(deployment, true, terminal)
      yield* follow(progress, { ...input, until: isGone(name) }, terminal)
      if (terminal.json) terminal.printJson({ deployment: yield* cloud.deployments.get(deployment.id) }, "line")
      else terminal.say(`${name} is deleted`)
    })
})
