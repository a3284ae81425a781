import { Effect } from "effect"
import { parseDuration } from "../args/duration.ts"
import { configAppFlag, text, toggle } from "../args/flags.ts"
import { connectToApp } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { UsageError } from "../errors/failure.ts"
import { appCommand, suspensionText } from "../output/suspensionText.ts"

export default command({
  summary: "Stop reverting changes made with kubectl, for some time",
  examples: [
    {
      line: 'maxcloud suspend --for 1h --reason "Hotfix of the pool size"',
      does: "Leave what others change in the cluster, for an hour"
    },
    { line: "maxcloud suspend --app shop", does: "Show whether it's suspended, until when and why" },
    { line: "maxcloud suspend --app shop --end", does: "End it: max-cloud reverts what has changed" }
  ],
  notes: [
    "It concerns all objects of the app in this stage, and ends by itself: after an hour, or as --for says, which can be 1m to 24h. Services keep running and scaling. To stop a service, use `maxcloud pause`.",
    "Deployments still apply, with a warning. One that would change a field that somebody else has set in the cluster fails with FieldConflict, unless it is sent with --force-conflicts. Pausing, resuming and restarting a service are refused.",
    "When the command returns, no repair is under way. Repeat it to change the end or the reason. If the whole namespace is lost, it is restored all the same.",
    "Only for Kubernetes: the local runtime reverts nothing."
  ],
  flags: flags({
    app: configAppFlag,
    for: text("for", "DURATION", { description: "How long, such as 30m [1h]" }),
    reason: text("reason", "TEXT", { alias: "r", description: "Why, for colleagues who find it suspended" }),
    end: toggle("end", { description: "End it now" })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { reason } = input
      if (input.end && (reason !== undefined || input.for !== undefined)) {
        return yield* new UsageError({ message: "--end goes with neither --for nor --reason", fix: "leave them out" })
      }
      if (input.for !== undefined && reason === undefined) {
        return yield* new UsageError({
          message: "--for needs a reason",
          fix: `run \`maxcloud suspend --for ${input.for} --reason "Hotfix of …"\``
        })
      }
      const seconds = input.for === undefined ? undefined : (yield* parseDuration("--for", input.for)) / 1_000
      const { suspensionBounds } = yield* Effect.promise(() => import("@maxcloud/sdk/api"))
      const { leastSeconds, mostSeconds } = suspensionBounds
      if (seconds !== undefined && (seconds < leastSeconds || seconds > mostSeconds)) {
        return yield* new UsageError({
          message: `--for ${input.for} is out of range`,
          fix: `use --for ${leastSeconds / 60}m to --for ${mostSeconds / 3_600}h`
        })
      }
      const { app, cloud, stage } = yield* connectToApp(input)
      const place = { app, stage }
      if (input.end) {
        const before = yield* cloud.apps.suspension(app, { stage })
        yield* cloud.apps.endSuspension(app, { stage })
        if (terminal.json) return terminal.printJson({ suspension: null })
        if (before === null) return terminal.say(`${app} isn't suspended, so nothing has ended`)
        const [last] = (yield* cloud.deployments.list.page({ limit: 1 }, app, { stage })).items
        const left =
          last?.status.state === "failed" && last.status.reason === "FieldConflict"
            ? `, except the fields that deployment ${last.number} failed on with FieldConflict: they stay until \`maxcloud deploy --force-conflicts\` overwrites them`
            : ""
        return terminal.say(
          `${app} isn't suspended any more: max-cloud reverts what others changed in the cluster${left}`
        )
      }
      const suspension =
        reason === undefined
          ? yield* cloud.apps.suspension(app, { stage })
          : yield* cloud.apps.suspend(app, { reason, ...(seconds === undefined ? {} : { seconds }) }, { stage })
      if (terminal.json) return terminal.printJson({ suspension })
      if (suspension === null) {
        return terminal.say(
          `${app} isn't suspended: \`${appCommand("suspend", place)} --for 1h --reason "Hotfix of …"\` suspends it`
        )
      }
      terminal.say(suspensionText(place, suspension))
    })
})
