import { Effect } from "effect"
import { toggle } from "../args/flags.ts"
import { command, flags, noPositionals } from "../command.ts"
import { ExitWith } from "../errors/failure.ts"
import { dataDirFlag, operate, operatorNote, placeOf } from "../operator/operator.ts"
import { table } from "../output/terminal.ts"

const styles = { done: "green", pending: "yellow", failed: "red" } as const

export default command({
  summary: "Show stages that still lack the platform's latest settings",
  offline: true,
  examples: [
    { line: "maxcloud cluster rollout", does: "Show stages that still lack the newest settings" },
    { line: "maxcloud cluster rollout --all --json", does: "Show every stage, as JSON" }
  ],
  notes: [
    operatorNote,
    "When a server starts with changed settings (ranges, runtime class, Pod Security, domain) or another version, it applies them to every namespace, a few at a time. It does the same when the cluster's own ranges change. Services get a new revision only if their instances change.",
    "Exit code 1 if a stage has failed. The server retries it."
  ],
  flags: flags({ dataDir: dataDirFlag, all: toggle("all", { description: "Also list the stages that are done" }) }),
  positionals: noPositionals,
  run: ({ all, dataDir }, terminal) =>
    Effect.gen(function* () {
      const rollout = yield* operate((one) => one.rollout(placeOf(dataDir)))
      const { counts, platform } = rollout
      const stages = all ? rollout.stages : rollout.stages.filter((stage) => stage.state !== "done")
      if (terminal.json) terminal.printJson({ ...rollout, stages })
      else {
        const rows = stages.map(({ app, message, organization, stage, state }) => [
          terminal.paint(styles[state], state),
          organization,
          app,
          stage,
          message ?? ""
        ])
        const heads = ["state", "organization", "app", "stage", ""].map((name) => terminal.paint("bold", name))
        if (rows.length > 0) for (const line of table([heads, ...rows])) terminal.print(line)
        if (platform === null) terminal.say("no server has started with this database yet")
        else {
          const changed = platform.changed.length === 0 ? "" : ` (changed: ${platform.changed.join(", ")})`
          terminal.say(
            `settings of ${platform.startedAt}${changed}: ${counts.done} done, ${counts.pending} pending, ${counts.failed} failed`
          )
        }
      }
      if (counts.failed > 0) return yield* new ExitWith({ exit: 1 })
    })
})
