import { Effect } from "effect"
import { pageFlags, pageOf, printEntries } from "../audit/auditTable.ts"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { firstOf } from "../output/limit.ts"

export default command({
  summary: "Show who did what",
  examples: [
    { line: "maxcloud audit list", does: "Show who did what, newest first, with refused attempts" },
    { line: "maxcloud audit list --action apps.deploy -n 20", does: "Show the last 20 deploys" }
  ],
  notes: ["`maxcloud audit export` exports the complete log with the proof that nothing was changed."],
  flags: flags(pageFlags),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { action, before, limit } = yield* pageOf(input)
      const entries = (yield* connect(input)).audit.list.each({ action, before })
      printEntries(yield* firstOf(entries, { limit }, terminal), terminal)
    })
})
