import { Effect } from "effect"
import { text } from "../args/flags.ts"
import { connect, parseAppName, stageOf } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { stateText, urlText } from "../output/format.ts"
import { firstOf, limitFlags } from "../output/limit.ts"
import { tellReadiness } from "../output/readiness.ts"
import { serviceJson } from "../output/serviceText.ts"
import { suspensionText } from "../output/suspensionText.ts"
import { age, table } from "../output/terminal.ts"

export default command({
  summary: "List services",
  examples: [
    { line: "maxcloud list", does: "List all services" },
    { line: "maxcloud list --app shop --stage production", does: "List the services of one app and stage" },
    { line: "maxcloud list --json | jq -r '.services[].status.url'", does: "Print their URLs" }
  ],
  flags: flags({ app: text("app", "APP", { alias: "a", description: "Only services of this app" }), ...limitFlags }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const app = input.app === undefined ? undefined : yield* parseAppName(input.app)
      const stage = yield* stageOf(input)
      const cloud = yield* connect(input)
      const [services] = yield* Effect.all(
        [firstOf(cloud.services.list.each({ app, stage }), input, terminal), tellReadiness(cloud, terminal)],
        { concurrency: 2 }
      )
      if (terminal.json) return terminal.printJson({ services: services.map(serviceJson) })
      if (services.length === 0) return terminal.say("no services: `maxcloud deploy` creates some")
      const header = ["NAME", "STATE", "URL", "INSTANCES", "APP", "STAGE", "UPDATED"]
      const now = Date.now()
      const rows = services.map((service) => [
        service.name,
        stateText(service.status.state, terminal),
        urlText(service.status, terminal),
        String(service.status.instances),
        service.app,
        service.stage,
        age(service.updatedAt, now)
      ])
      for (const line of table([header.map((value) => terminal.paint("dim", value)), ...rows])) terminal.print(line)
      const suspended = new Map(
        services.flatMap(({ app, stage, suspension }) =>
          suspension === null ? [] : [[`${app}/${stage}`, suspensionText({ app, stage }, suspension)]]
        )
      )
      for (const line of suspended.values()) terminal.say(`${terminal.paintError("yellow", "suspended:")} ${line}`)
    })
})
