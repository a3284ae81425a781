import type { LeftAlone } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { configAppFlag } from "../args/flags.ts"
import { connectToApp } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { firstOf, limitFlags } from "../output/limit.ts"
import { suspensionText } from "../output/suspensionText.ts"
import { age, type Terminal, table } from "../output/terminal.ts"

/** One line for each manager of an object, with its fields. */
const leftAloneLines = ({ complete, fields }: LeftAlone, terminal: Terminal, now: number): ReadonlyArray<string> => {
  const groups = new Map<string, { readonly cells: ReadonlyArray<string>; readonly paths: Array<string> }>()
  for (const { kind, manager, name, path, since } of fields) {
    const cells = [`${kind}/${name}`, manager, since === null ? "" : age(since, now)]
    const id = JSON.stringify(cells)
    const group = groups.get(id) ?? { cells, paths: [] }
    group.paths.push(path)
    groups.set(id, group)
  }
  const header = ["OBJECT", "SET BY", "SINCE", "LEFT ALONE"].map((name) => terminal.paint("dim", name))
  const rows = [...groups.values()].map(({ cells, paths }) => [...cells, paths.join(", ")])
  return [...table([header, ...rows]), ...(complete ? [] : ["There are more. `--json` shows each field."])]
}

export default command({
  summary: "Show what others changed in the cluster",
  examples: [
    { line: "maxcloud drift", does: "Show what others changed in the app's objects in the cluster" },
    { line: "maxcloud drift --app shop --stage production --json", does: "For a named app and stage, as JSON" }
  ],
  notes: [
    "Changes by kubectl and other tools are detected, recorded and reverted. Newest first, at most 90 days.",
    "BY is the field manager that made the change. For deletions it's unknown.",
    "LEFT ALONE lists fields that others added and that max-cloud keeps, because they change nothing that runs, such as a billing label. It names fields, not their values."
  ],
  flags: flags({ app: configAppFlag, ...limitFlags }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { app, cloud, stage } = yield* connectToApp(input)
      const drift = yield* firstOf(cloud.apps.drift.each(app, { stage }), input, terminal)
      // They aren't drift, so neither they nor a fault in reading them changes the result.
      const leftAlone = yield* Effect.catchAll(cloud.apps.leftAlone(app, { stage }), (error) =>
        Effect.sync(() => {
          terminal.say(`Couldn't list the fields that are left alone: ${error.message}`)
          return null
        })
      )
      // An older server has no suspensions.
      const suspension = yield* Effect.catchTag(cloud.apps.suspension(app, { stage }), "NotFound", () =>
        Effect.succeed(null)
      )
      if (terminal.json) return terminal.printJson({ drift, leftAlone, suspension })
      if (suspension !== null) terminal.say(suspensionText({ app, stage }, suspension))
      const now = Date.now()
      const printLeftAlone = () => {
        if (leftAlone === null || leftAlone.fields.length === 0) return
        for (const line of leftAloneLines(leftAlone, terminal, now)) terminal.print(line)
      }
      if (drift.length === 0) {
        terminal.say(`no drift: nobody else has changed objects of ${app} in the cluster`)
        return printLeftAlone()
      }
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
      if (leftAlone !== null && leftAlone.fields.length > 0) terminal.print("")
      printLeftAlone()
    })
})
