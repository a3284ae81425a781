import { Effect } from "effect"
import { text } from "../args/flags.ts"
import { parseTime } from "../args/time.ts"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { table } from "../output/terminal.ts"

/** Hours with two decimal places. Calculate costs from the seconds that `--json` prints. */
const hours = (seconds: number) => (seconds / 3600).toFixed(2)

export default command({
  summary: "Show what instances have reserved",
  examples: [
    { line: "maxcloud usage", does: "Show the last 24 hours, all apps and stages" },
    { line: "maxcloud usage --since 30d", does: "Show the last 30 days" },
    { line: "maxcloud usage --since 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z --json", does: "Show a month" }
  ],
  notes: [
    "Reserved resources: each instance's CPU and memory limits, multiplied by its lifetime. Idle instances count; services at zero don't.",
    "Tables are in hours; --json has seconds."
  ],
  flags: flags({
    since: text("since", "TIME", { description: "Start: 24h, 30d, or an RFC 3339 time [24h]" }),
    until: text("until", "TIME", { description: "End: 1h, or an RFC 3339 time [now]" })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const since = yield* parseTime("--since", input.since)
      const until = yield* parseTime("--until", input.until)
      const cloud = yield* connect(input)
      const usage = yield* cloud.usage({ since, until })
      if (terminal.json) return terminal.printJson(usage)
      if (usage.services.length === 0) {
        return terminal.say(`no instance ran between ${usage.since} and ${usage.until}`)
      }
      const header = ["SERVICE", "APP", "STAGE", "INSTANCES", "RUNNING", "INSTANCE-H", "VCPU-H", "GIB-H"]
      const rows = usage.services.map((service) => [
        service.service,
        service.app,
        service.stage,
        String(service.instances),
        String(service.running),
        hours(service.instanceSeconds),
        hours(service.cpuSeconds),
        hours(service.memoryGibSeconds)
      ])
      for (const line of table([header.map((value) => terminal.paint("dim", value)), ...rows])) terminal.print(line)
    })
})
