import { Effect } from "effect"
import { configAppFlag, integer, required } from "../args/flags.ts"
import { connectToApp, parseSecretName } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { UsageError } from "../errors/failure.ts"

export default command({
  summary: "Roll a secret back to an earlier version",
  examples: [
    { line: "maxcloud secrets rollback DATABASE_URL --to 3", does: "Make the value of version 3 current again" }
  ],
  notes: [
    "This creates a new version, which takes effect at the next deploy. `maxcloud secrets versions` lists the stored versions."
  ],
  flags: flags({
    app: configAppFlag,
    to: integer("to", "VERSION", { description: "Version to roll back to" })
  }),
  positionals: positionals({ name: required("NAME", "The secret") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const name = yield* parseSecretName(input.name)
      const { to } = input
      if (to === undefined || to < 1) {
        return yield* new UsageError({ message: "no version given", fix: "write --to VERSION" })
      }
      const { app, cloud, stage } = yield* connectToApp(input)
      const secret = yield* cloud.secrets.rollback(app, name, to, { stage })
      if (terminal.json) return terminal.printJson(secret)
      terminal.say(
        `${name} of ${app} (${stage ?? "production"}) has the value of version ${to}, as version ${secret.version}: the next deploy uses it`
      )
    })
})
