import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"

export default command({
  summary: "End a deletion",
  examples: [{ line: "maxcloud org keep", does: "ends a deletion within its grace period" }],
  notes: ["Its services don't start by themselves: deploy them again."],
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      yield* (yield* connect(input)).organization.cancelDeletion
      if (terminal.json) return terminal.printJson({ kept: true })
      terminal.say("the organization is kept: deploy its apps again")
    })
})
