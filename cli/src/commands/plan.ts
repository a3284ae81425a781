import type { FieldChange, ObjectChange, Plan, ServiceChange } from "@maxcloud/sdk/api"
import type { SourceReport } from "@maxcloud/sdk/effect"
import { Effect } from "effect"
import { buildLines } from "../builds.ts"
import { connect, loadApp, locatedLines, refused } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { entryOf } from "../entryOf.ts"
import { ExitWith } from "../failure.ts"
import { readFileFlag, toggle } from "../flags.ts"
import { isChanging } from "../isChanging.ts"
import { manyFlags, manyUsage } from "../many/loadMany.ts"
import { planAll } from "../many/planAll.ts"
import { plannedText } from "../plannedText.ts"
import { tellSources } from "../sources.ts"
import { type Terminal, table } from "../terminal.ts"

const signs = { create: "+", update: "~", delete: "-", unchanged: " " } as const
const styles = { create: "green", update: "yellow", delete: "red", unchanged: "dim" } as const

const changeLines = (change: ServiceChange, terminal: Terminal): ReadonlyArray<string> => {
  const style = entryOf<"green" | "yellow" | "red" | "dim">(styles, change.action, "dim")
  return [
    terminal.paint(style, `${entryOf<string>(signs, change.action, "?")} ${change.action} ${change.service}`),
    ...fieldLines(change.fields, terminal)
  ]
}

const fieldLines = (fields: ReadonlyArray<FieldChange>, terminal: Terminal) =>
  table(
    fields.map((field) => {
      const before = field.before === null ? undefined : terminal.paint("red", plannedText(field.before))
      const after = field.after === null ? "(none)" : terminal.paint("green", plannedText(field.after))
      return [`    ${field.path}`, before === undefined ? after : `${before} → ${after}`]
    })
  )

const objectLines = ({ action, fields, kind, name }: ObjectChange, terminal: Terminal): ReadonlyArray<string> => {
  const style = entryOf<"green" | "yellow" | "red" | "dim">(styles, action, "yellow")
  return [
    terminal.paint(style, `${entryOf<string>(signs, action, "~")} ${action} ${kind} ${name}`),
    ...fieldLines(fields, terminal)
  ]
}

const planLines = (plan: Plan, terminal: Terminal): ReadonlyArray<string> => {
  const changes = plan.changes.filter((change) => change.action !== "unchanged")
  // A patch isn't a change by itself: its service says whether it is new.
  const objects = plan.objects.filter(
    (object) => object.action !== "patch" || changes.some((change) => change.service === object.name)
  )
  const unchanged = plan.changes.filter((change) => change.action === "unchanged").map((change) => change.service)
  const title = terminal.paint("bold", `${plan.app} (${plan.stage})`)
  return [
    changes.length + objects.length === 0 ? `${title}: no changes` : title,
    ...changes.flatMap((change) => changeLines(change, terminal)),
    ...(changes.length > 0 && unchanged.length > 0
      ? [terminal.paint("dim", `  unchanged: ${unchanged.join(", ")}`)]
      : []),
    ...objects.flatMap((object) => objectLines(object, terminal)),
    ...plan.platform.map(({ kind, name, newRevision }) =>
      terminal.paint("yellow", `~ platform ${kind} ${name}${newRevision ? " (new revision)" : ""}`)
    )
  ]
}

export default command({
  summary: "Show what a deploy would change",
  examples: [
    { line: "maxcloud plan", does: "Show what `maxcloud deploy` would change" },
    { line: "maxcloud plan --stage preview-42 --json", does: "For another stage, as JSON" },
    { line: "maxcloud plan --all", does: "For every app of the repository" },
    { line: "maxcloud plan --exit-code", does: "Exit with 10 if a deploy would change something" }
  ],
  notes: ["Values of secrets are never shown, only name and version."],
  flags: flags({
    file: readFileFlag,
    ...manyFlags,
    exitCode: toggle("exit-code", {
      description: "Exit with 10 if there are changes, or if the last deployment failed"
    })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const alone = [input.file, input.config].some((each) => each !== undefined) ? ["--file"] : []
      const wrong = manyUsage(input, alone)
      if (wrong !== undefined) return yield* wrong
      if (input.all) {
        const show = (plan: Plan) =>
          Effect.sync(() => planLines(plan, terminal).forEach((line) => void terminal.print(line)))
        return yield* planAll(input, terminal, show)
      }
      const loaded = yield* loadApp(input, input.file ?? input.config)
      const cloud = yield* connect(input)
      let sources: ReadonlyArray<SourceReport> = []
      const onSources = (reports: ReadonlyArray<SourceReport>) => {
        sources = reports
        tellSources(terminal)(reports)
      }
      const plan = yield* cloud.plan(loaded, { onSources }).pipe(Effect.catchTag("InvalidSpec", refused(loaded)))
      if (terminal.json) terminal.printJson(plan)
      else {
        for (const line of planLines(plan, terminal)) terminal.print(line)
        const changed = plan.changes.filter((change) => change.action === "create" || change.action === "update")
        for (const line of yield* buildLines(loaded, sources, new Set(changed.map((each) => each.service))))
          terminal.print(line)
      }
      if (!terminal.json) {
        for (const line of yield* locatedLines(loaded, plan.warnings)) {
          terminal.say(`${terminal.paintError("yellow", "warning:")} ${line}`)
        }
        for (const line of yield* locatedLines(loaded, plan.problems)) {
          terminal.say(`${terminal.paintError(["red", "bold"], "problem:")} ${line}`)
        }
      }
      if (plan.problems.length > 0) return yield* new ExitWith({ exit: 2 })
      if (isChanging(plan)) {
        return input.exitCode ? yield* new ExitWith({ exit: 10 }) : undefined
      }
      // Diff against the last deployed config. If that deployment failed, older instances may still be running.
      const [last] = (yield* cloud.deployments.list.page({ limit: 1 }, plan.app, { stage: loaded.stage })).items
      if (last?.status.state !== "failed") return
      if (!terminal.json) {
        terminal.say(
          `${terminal.paintError("yellow", "warning:")} deployment ${last.number} failed, so this config isn't what runs. Retry with \`maxcloud deploy\`; \`maxcloud deployments wait ${last.id}\` shows the reason.`
        )
      }
      if (input.exitCode) return yield* new ExitWith({ exit: 10 })
    })
})
