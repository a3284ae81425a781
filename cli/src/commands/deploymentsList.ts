import { Effect } from "effect"
import { configAppFlag } from "../args/flags.ts"
import { connectToApp } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { authorText } from "../output/authorText.ts"
import { deploymentKind, deploymentState } from "../output/deploymentText.ts"
import { printable } from "../output/format.ts"
import { firstOf, limitFlags } from "../output/limit.ts"
import { age, table } from "../output/terminal.ts"

export default command({
  summary: "List an app's deployments",
  examples: [{ line: "maxcloud deployments list", does: "List the deployments of the config's app" }],
  flags: flags({ app: configAppFlag, ...limitFlags }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { app, cloud, stage } = yield* connectToApp(input)
      const deployments = yield* firstOf(cloud.deployments.list.each(app, { stage }), input, terminal)
      if (terminal.json) return terminal.printJson({ deployments })
      const now = Date.now()
      const rows = deployments.map((deployment) => [
        String(deployment.number),
        deploymentState(deployment, terminal),
        deploymentKind(deployment),
        age(deployment.createdAt, now),
        authorText(deployment.createdBy),
        deployment.metadata["commit"]?.slice(0, 8) ?? "",
        deployment.id,
        printable((deployment.message ?? deployment.status.message ?? "").split("\n")[0] ?? "")
      ])
      const header = ["NUMBER", "STATE", "KIND", "ACCEPTED", "BY", "COMMIT", "ID", "MESSAGE"].map((name) =>
        terminal.paint("dim", name)
      )
      for (const line of table([header, ...rows])) terminal.print(line)
    })
})
