import type { Deployment } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { configAppFlag, required, toggle } from "../args/flags.ts"
import { command, flags, positionals } from "../command.ts"
import { deploymentPlace } from "../deploy/deploymentPlace.ts"
import { authorText } from "../output/authorText.ts"
import { deploymentKind, deploymentState } from "../output/deploymentText.ts"
import { printable } from "../output/format.ts"
import { failedService } from "../output/report.ts"
import { age, jsonText, type Terminal, table } from "../output/terminal.ts"

const row = (name: string, value: string | null) => (value === null || value === "" ? [] : [[name, value]])

const deploymentLines = (deployment: Deployment, terminal: Terminal): ReadonlyArray<string> => {
  const now = Date.now()
  const { app, createdAt, createdBy, finishedAt, message, metadata, number, services, stage, status } = deployment
  const failed = services.filter((service) => service.state === "failed").flatMap(failedService)
  return [
    ...table([
      ["number", terminal.paint("bold", String(number))],
      ["app", `${app} (${stage})`],
      ["state", `${deploymentState(deployment, terminal)}  ${printable(status.message ?? "")}`],
      ["kind", deploymentKind(deployment)],
      ...row("by", createdBy === null ? null : authorText(createdBy)),
      ["accepted", age(createdAt, now)],
      ...row("finished", finishedAt === null ? null : age(finishedAt, now)),
      ...row("message", message === null ? null : printable(message)),
      ...Object.entries(metadata).map(([name, value]) => [printable(name), printable(value)]),
      ["id", deployment.id]
    ]),
    "",
    terminal.paint("bold", "Services"),
    ...table(
      services.map(({ action, image, name, state, url }) => [`  ${name}`, action, state, url ?? "", image ?? ""])
    ),
    ...(failed.length === 0 ? [] : ["", ...failed])
  ]
}

export default command({
  summary: "Show a deployment, and the app that it deployed",
  examples: [
    { line: "maxcloud deployments show 12", does: "Show who created it, from what, and the state of each service" },
    { line: "maxcloud deployments show 12 --spec", does: "Print the app as the server accepted it, as JSON" },
    {
      line: "maxcloud deployments show dep_… --spec --json",
      does: "Print everything, with versions of secrets and digests"
    }
  ],
  notes: ["With --spec, plain values of `env` are shown. Secrets are references, with their pinned versions."],
  flags: flags({
    app: configAppFlag,
    spec: toggle("spec", { description: "Show the app as the server accepted it" })
  }),
  positionals: positionals({ deployment: required("DEPLOYMENT", "Its number or its id") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { app, cloud, number, stage } = yield* deploymentPlace(input)
      const accepted = input.spec ? yield* cloud.deployments.spec(app, number, { stage }) : undefined
      if (accepted !== undefined && !terminal.json) return terminal.print(jsonText(accepted.spec, 2))
      const deployment = yield* cloud.deployments.byNumber(app, number, { stage })
      if (terminal.json) return terminal.printJson({ deployment, ...accepted })
      for (const line of deploymentLines(deployment, terminal)) terminal.print(line)
    })
})
