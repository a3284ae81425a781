import { Effect } from "effect"
import { configAppFlag, required } from "../args/flags.ts"
import { connectToApp, parseSecretName } from "../client.ts"
import { command, flags, positionals } from "../command.ts"

export default command({
  summary: "Delete a secret",
  examples: [
    { line: "maxcloud secrets unset DATABASE_URL", does: "Delete it; deploys that need it are refused from then on" }
  ],
  flags: flags({ app: configAppFlag }),
  positionals: positionals({ name: required("NAME", "The secret") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const name = yield* parseSecretName(input.name)
      const { app, cloud, stage } = yield* connectToApp(input)
      yield* cloud.secrets.unset(app, name, { stage })
      if (terminal.json) return terminal.printJson({ name })
      terminal.say(`${name} of ${app} (${stage ?? "production"}) is deleted`)
    })
})
