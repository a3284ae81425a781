import { Effect } from "effect"
import { configAppFlag, required } from "../args/flags.ts"
import { connectToApp, parseSecretName } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { authorText } from "../output/authorText.ts"
import { age, printTable } from "../output/terminal.ts"

export default command({
  summary: "List the versions of a secret",
  examples: [
    {
      line: "maxcloud secrets versions DATABASE_URL",
      does: "List the stored versions, who set them, and what uses them"
    }
  ],
  flags: flags({ app: configAppFlag }),
  positionals: positionals({ name: required("NAME", "The secret") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const name = yield* parseSecretName(input.name)
      const { app, cloud, stage } = yield* connectToApp(input)
      const versions = yield* cloud.secrets.versions(app, name, { stage })
      if (terminal.json) return terminal.printJson({ versions })
      const now = Date.now()
      printTable(
        ["VERSION", "SET", "BY", "DEPLOYMENTS"],
        versions.map((version) => [
          version.current ? `${version.version} (newest)` : String(version.version),
          age(version.createdAt, now),
          authorText(version.createdBy),
          version.deployments.length === 0 ? "-" : version.deployments.join(", ")
        ]),
        terminal
      )
    })
})
