import { Effect } from "effect"
import { pageFlags, pageOf, printEntries } from "../auditTable.ts"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { firstOf } from "../limit.ts"

export default command({
  summary: "Show who did what",
  examples: [
    { line: "maxcloud audit list", does: "who did what, newest first; refused attempts too" },
    { line: "maxcloud audit list --action apps.deploy -n 20", does: "the last 20 deploys" }
  ],
  notes: ["`maxcloud audit export` gives all of it, with what proves that nothing was changed."],
  flags: flags(pageFlags),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { action, before, limit } = yield* pageOf(input)
      const entries = (yield* connect(input)).audit.list.each({ action, before })
      printEntries(yield* firstOf(entries, { limit }, terminal), terminal)
    })
})
