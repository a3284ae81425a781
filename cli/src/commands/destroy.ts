import { Effect } from "effect"
import { appOf, connect, stageOf } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { optional, text, toggle } from "../flags.ts"
import { follow, progressOf, tellOutcome } from "../follow.ts"
import { confirmByName } from "../prompt.ts"

export default command({
  summary: "Remove the whole app of a stage",
  examples: [
    { line: "maxcloud destroy", does: "the app that maxcloud.config.ts describes, after asking" },
    { line: "maxcloud destroy shop --stage preview-42 --yes", does: "a preview, without asking" }
  ],
  notes: ["This removes all services of the app's stage, and no other stage's. Without a terminal, add --yes."],
  flags: flags({
    yes: toggle("yes", { alias: "y", description: "Do not ask" }),
    detach: toggle("detach", { alias: "d", description: "Don't wait until it is gone" }),
    waitTimeout: text("wait-timeout", "DURATION", { description: "Wait at most this long, then exit with 8" })
  }),
  positionals: positionals({ app: optional("APP", "The app [the config's]") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const app = yield* appOf(input)
      const stage = yield* stageOf(input)
      yield* confirmByName(input, app, `all of ${app} (${stage ?? "production"}) will be removed`, terminal)
      const cloud = yield* connect(input)
      const deployment = yield* cloud.apps.destroy(app, { stage })
      if (input.detach) return tellOutcome(deployment, true, terminal)
      const finished = yield* follow(progressOf(deployment, cloud.deployments.events(deployment.id)), input, terminal)
      if (terminal.json) terminal.printJson({ deployment: finished }, "line")
      else terminal.say(`${app} (${deployment.stage}) is removed`)
    })
})
