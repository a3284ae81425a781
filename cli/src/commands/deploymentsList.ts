import type { Deployment } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { connectToApp } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { entryOf } from "../entryOf.ts"
import { configAppFlag } from "../flags.ts"
import { printable } from "../format.ts"
import { firstOf, limitFlags } from "../limit.ts"
import { age, table } from "../terminal.ts"

const authorText = ({ createdBy }: Deployment) => (createdBy === null ? "" : printable(createdBy.name ?? createdBy.id))

const styles = {
  queued: "yellow",
  running: "yellow",
  succeeded: "green",
  failed: "red",
  superseded: "dim",
  cancelled: "dim"
} as const

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
        terminal.paint(
          entryOf<"yellow" | "green" | "red" | "dim">(styles, deployment.status.state, "dim"),
          deployment.status.state
        ),
        deployment.fromDeployment === null ? deployment.kind : `${deployment.kind} to ${deployment.fromDeployment}`,
        age(deployment.createdAt, now),
        authorText(deployment),
        deployment.metadata["commit"]?.slice(0, 8) ?? "",
        deployment.id,
        printable((deployment.message ?? deployment.status.message).split("\n")[0] ?? "")
      ])
      const header = ["NUMBER", "STATE", "KIND", "ACCEPTED", "BY", "COMMIT", "ID", ""].map((name) =>
        terminal.paint("dim", name)
      )
      for (const line of table([header, ...rows])) terminal.print(line)
    })
})
