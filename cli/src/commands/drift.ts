import { Effect } from "effect"
import { configAppFlag } from "../args/flags.ts"
import { connectToApp } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { firstOf, limitFlags } from "../output/limit.ts"
import { age, table } from "../output/terminal.ts"

export default command({
  summary: "Show what others changed in the cluster",
  examples: [
    { line: "maxcloud drift", does: "Show what others changed in the app's objects in the cluster" },
    { line: "maxcloud drift --app shop --stage production --json", does: "For a named app and stage, as JSON" }
  ],
  notes: [
    "Changes by kubectl and other tools are detected, recorded and reverted. Newest first, at most 90 days.",
    "BY is the field manager that made the change. For deletions it's unknown."
  ],
  flags: flags({ app: configAppFlag, ...limitFlags }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { app, cloud, stage } = yield* connectToApp(input)
      const drift = yield* firstOf(cloud.apps.drift.each(app, { stage }), input, terminal)
      if (terminal.json) return terminal.printJson({ drift })
      if (drift.length === 0) return terminal.say(`no drift: nobody else has changed objects of ${app} in the cluster`)
      const now = Date.now()
      const header = ["NOTICED", "OBJECT", "CHANGE", "BY", "REVERTED", "FIELDS"].map((name) =>
        terminal.paint("dim", name)
      )
      const rows = drift.map((object) => [
        age(object.noticedAt, now),
        `${object.kind}/${object.name}`,
        object.change,
        object.manager ?? "",
        object.healedAt === null ? terminal.paint("yellow", "not yet") : age(object.healedAt, now),
        object.fields.length > 3
          ? `${object.fields.slice(0, 3).join(", ")} and ${object.fields.length - 3} more`
          : object.fields.join(", ")
      ])
      for (const line of table([header, ...rows])) terminal.print(line)
    })
})
